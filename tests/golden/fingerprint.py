"""Digest the files that every codec and encoder writes: run before and after a refactoring.

    python tests/golden/fingerprint.py before.json
    ... change what must change no byte, in the same environment ...
    python tests/golden/fingerprint.py after.json --against before.json

Five pictures at three budgets, from `scikit-image` and `corpora.synthetic`, or the image files
that are named. Encoders use floats, so digests hold on one machine and one set of versions; golden
files, which only decode, hold everywhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import fractour
import numpy as np
from fractour.corpora import open_corpus
from fractour.shared.registry import codec_names, get_codec

RATES = (0.06, 0.25, 1.0)
"""Bits per pixel."""


def pictures(paths: list[Path]) -> dict[str, np.ndarray]:
    """Load the named files, or crops of five pictures that every checkout can make."""
    if paths:
        from PIL import Image

        found = {}
        for path in paths:
            with Image.open(path) as image:
                found[path.name] = np.asarray(image.convert("RGB"))
        return found
    from skimage import data

    drawn = {image.name: image.load() for image in open_corpus("synthetic").images}
    return {
        "astronaut": data.astronaut()[:192, 120:376],
        "coffee": data.coffee()[100:260, 150:377],
        "camera": data.camera()[60:252, 150:406],
        "line-drawing": drawn["line-drawing"][:160, :200],
        "manuscript": drawn["manuscript"][:160, :200],
    }


def main() -> int:
    """Write the digests; with ``--against``, say which differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--codec", default=",".join(codec_names()))
    parser.add_argument("--encoders", default="search,network,network+refine")
    chosen = parser.parse_args()
    digests: dict[str, str] = {}
    shown = pictures(chosen.pictures)
    for codec in chosen.codec.split(","):
        for encoder in sorted({*chosen.encoders.split(",")} & {*get_codec(codec).encoders}):
            for name, pixels in shown.items():
                for bpp in RATES:
                    row = f"{codec} {encoder} {name} {bpp:g} bpp"
                    budget = fractour.Budget(bpp=bpp)
                    data = fractour.encode(pixels, codec=codec, encoder=encoder, budget=budget)
                    decoded = fractour.decode(data).tobytes()
                    digests[row] = " ".join(
                        (
                            str(len(data)),
                            *(hashlib.sha256(b).hexdigest()[:16] for b in (data, decoded)),
                        )
                    )
                    sys.stderr.write(f"{row}: {digests[row]}\n")
    chosen.out.write_text(json.dumps(dict(sorted(digests.items())), indent=1) + "\n")
    if chosen.against is None:
        return 0
    before = json.loads(chosen.against.read_text())
    wrong = [row for row in sorted(before.keys() | digests) if before.get(row) != digests.get(row)]
    print(f"{len(digests)} files, {len(wrong)} differ", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
