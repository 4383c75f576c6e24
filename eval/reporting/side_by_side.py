"""Side by side: default-corpus pictures at one budget, by several codecs, in one JPEG.

The pictures are those of the default corpus, which come with packages and may be shown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ...corpora.catalog import open_corpus
from ...shared.picture.drawing import rgb, strip
from ..judging.metrics import get_metric
from ..measuring.measure import CodecSpec, open_coder

_LARGEST = 400


def main(arguments: list[str] | None = None) -> None:
    """Write one row a picture: the original, then each codec, with bytes and PSNR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--corpus", default="default")
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--bpp", type=float, default=0.05)
    parser.add_argument("--codec", default="jpeg2000,tiles,contour")
    options = parser.parse_args(arguments)
    psnr = get_metric("psnr_rgb").function
    panels = []
    codecs = options.codec.split(",")
    for image in list(open_corpus(options.corpus).images)[: options.images]:
        pixels = rgb(image.load())[:_LARGEST, :_LARGEST]
        limit = int(options.bpp * pixels.shape[0] * pixels.shape[1] / 8)
        panels.append((image.name, pixels))
        for name in codecs:
            coder = open_coder(CodecSpec(name), pixels)
            data = coder.encode(limit)[0]
            decoded = np.ascontiguousarray(coder.decode(data))
            panels.append((f"{name}: {len(data)} bytes, {psnr(pixels, decoded):.2f} dB", decoded))
    from PIL import Image

    Image.fromarray(strip(panels, columns=1 + len(codecs))).save(options.out, quality=85)


if __name__ == "__main__":
    main()
