"""Add golden files for codec versions that have none: ``python tests/golden/make.py``.

Existing ones are never touched: files of a version decode to the recorded pixels as long as it
is read. Those of a version that was replaced before 0.1.0 are deleted by hand.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import fractour
import numpy as np
from fractour.shared.conformance import sample_picture
from fractour.shared.registry import codec_names, get_codec

FOLDER = Path(__file__).resolve().parent
INDEX = FOLDER / "golden.json"
PICTURES = {
    "rgb": ((53, 70, 3), 900),
    "grey": ((31, 17, 1), 150),
    "rgba": ((24, 40, 4), 500),
    "tall": ((90, 1, 3), 80),
    "large": ((160, 200, 3), 9000),
}


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of shape and samples."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def main() -> None:
    """Write what is missing."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    for name in codec_names():
        version = get_codec(name).version
        for title, (shape, budget) in PICTURES.items():
            files = {f"{name}-v{version}-{title}.frc": None}
            if title == "large":
                files[f"{name}-v{version}-trimmed.frc"] = 2000
            whole = fractour.encode(sample_picture(*shape), codec=name, budget=budget)
            for file, size in files.items():
                if file in index:
                    continue
                if size and not get_codec(name).embedded:
                    continue
                data = fractour.trim(whole, size) if size else whole
                (FOLDER / file).write_bytes(data)
                index[file] = digest(fractour.decode(data))
                sys.stderr.write(f"{file}: {len(data)} bytes\n")
    INDEX.write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
