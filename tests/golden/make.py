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
    "drawing": ((96, 120, 3), 400),
    "screen": ((101, 131, 3), 900),
    "reduced": ((91, 122, 3), 64),
    "compact": ((40, 57, 3), 150),
}


def drawing(height: int, width: int) -> np.ndarray:
    """Flat shapes, anti-aliased: what becomes outlines."""
    y, x = np.mgrid[:height, :width] + 0.5
    out = np.full((height, width, 3), 245.0)
    for k, color in enumerate(((30, 30, 40), (200, 60, 40), (40, 90, 190), (40, 90, 190))):
        row, column = divmod(k, 2)
        far = np.hypot(y - 26 - 44 * row, (x - 32 - 52 * column) * 0.8)
        cover = np.clip(17.0 - 3 * (k > 1) - far, 0, 1)[..., None]
        out = out * (1 - cover) + np.array(color) * cover
    return np.rint(out).astype(np.uint8)


def screen(height: int, width: int) -> np.ndarray:
    """Lines of few signs on a flat ground, and a smooth corner: what becomes palette blocks."""
    rng = np.random.default_rng(5)
    signs = rng.integers(0, 3, (6, 9, 6))
    inks = np.array([(250, 250, 248), (20, 20, 30), (130, 132, 140)])
    out = np.empty((height, width, 3), np.uint8)
    out[...] = inks[0]
    for top in range(4, height - 12, 12):
        for left in range(4, width - 8, 8):
            out[top : top + 9, left : left + 6] = inks[signs[rng.integers(len(signs))]]
    corner = sample_picture(height // 3, width // 3, 3)
    out[: height // 3, : width // 3] = corner
    return out


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
            picture = sample_picture(*shape)
            if title == "drawing":
                if not name.startswith("contour"):
                    continue
                picture = drawing(*shape[:2])
            if title == "screen":
                if name not in ("contour", "pifs", "tiles"):
                    continue
                picture = screen(*shape[:2])
                files[f"{name}-v{version}-screencut.frc"] = 600
            if title == "reduced" and not get_codec(name).reducible:
                continue
            if all(file in index for file in files):
                continue
            whole = fractour.encode(picture, codec=name, budget=budget, compact=title == "compact")
            # An encoder may find the whole picture better; then the file would hold nothing new.
            if title == "reduced" and fractour.info(whole)["reduction"] == 1:
                continue
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
