"""What a codec declares, and what its files keep to: sizes, budgets, sameness."""

from __future__ import annotations

import itertools

import numpy as np

from .. import api
from ..budget import Budget
from ..codec import Codec
from ..network.weights import has_torch
from .support import TOLERANCE_DB, encode, expect, psnr, sample_picture

_SIZES = ((1, 1), (1, 9), (7, 1), (2, 2), (5, 3), (8, 8), (17, 31), (64, 48), (3, 130))
_BUDGETS = (64, 100, 300, 1000, 3000)
# A coarse-grained format may find a smaller file the better one now and then.
_LEAST_USE, _LEAST_MEAN_USE = 0.7, 0.9


def declaration(codec: Codec) -> str:
    """Look at what the codec says of itself."""
    expect(codec.name == codec.name.lower() and " " not in codec.name, "name must be lower case")
    expect(0 < codec.number < 128, f"wire number {codec.number} is not in 1..127")
    expect(1 <= codec.version <= 15, f"version {codec.version} is not in 1..15")
    expect(codec.steps > 1, "there must be at least two quantizer steps")
    expect("search" in codec.encoders, "every format has a search encoder")
    expect(bool(codec.summary), "the summary is empty")
    return f"number {codec.number}, version {codec.version}, {codec.steps} steps"


def shapes(codec: Codec) -> str:
    """Encode and decode pictures of odd sizes and any channels within hard budgets."""
    count = 0
    for height, width in _SIZES:
        for channels in (1, 2, 3, 4):
            image = sample_picture(height, width, channels)
            for budget in (64, 400):
                data = encode(codec, image, budget)
                where = f"{height}x{width}x{channels} at {budget} bytes"
                expect(len(data) <= budget, f"{where}: the file has {len(data)} bytes")
                pixels = api.decode(data)
                wanted = image.shape if channels > 1 else image.shape[:2]
                expect(pixels.shape == wanted, f"{where}: decodes to shape {pixels.shape}")
                expect(pixels.dtype == np.uint8, f"{where}: decodes to {pixels.dtype}")
                count += 1
    return f"{count} pictures"


def contents(codec: Codec) -> str:
    """Encode pictures at the edges of what there is: flat, one dot, noise."""
    rng = np.random.default_rng(0)
    dot = np.zeros((40, 40, 3), np.uint8)
    dot[20, 20] = 255
    board = (np.indices((40, 40)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None].repeat(3, 2)
    pictures = {
        "black": np.zeros((40, 40, 3), np.uint8),
        "white": np.full((40, 40, 3), 255, np.uint8),
        "one dot": dot,
        "chessboard": board,
        "noise": rng.integers(0, 256, (40, 40, 3), dtype=np.uint8),
    }
    for name, image in pictures.items():
        for budget in (64, 1500):
            data = encode(codec, image, budget)
            expect(len(data) <= budget, f"{name}: {len(data)} bytes of {budget}")
            api.decode(data)
    flat = psnr(api.decode(encode(codec, pictures["white"], 64)), pictures["white"])
    expect(flat > 30, f"a white picture decodes with {flat:.1f} dB from 64 bytes")
    return ", ".join(pictures)


def budgets(codec: Codec) -> str:
    """See that budgets are kept, used, and that more bytes make no worse picture."""
    image = sample_picture(96, 128, 3)
    quality, uses = [], []
    for budget in _BUDGETS:
        data = encode(codec, image, budget)
        expect(len(data) <= budget, f"{len(data)} bytes for a budget of {budget}")
        quality.append(psnr(api.decode(data), image))
        uses.append(len(data) / budget)
    finest = len(encode(codec, image, image.size * 4))
    counted = [use for budget, use in zip(_BUDGETS, uses, strict=True) if budget < finest]
    expect(min(counted) >= _LEAST_USE, f"only {min(counted):.1%} of a budget used")
    mean = sum(counted) / len(counted)
    expect(mean >= _LEAST_MEAN_USE, f"only {mean:.1%} of the budgets used on average")
    falls = max(a - b for a, b in itertools.pairwise(quality))
    expect(falls <= TOLERANCE_DB, f"PSNR falls by {falls:.2f} dB with a larger budget")
    return f"{min(uses):.1%} to {max(uses):.1%} used, {quality[0]:.1f} to {quality[-1]:.1f} dB"


def encoders(codec: Codec) -> str:
    """See that networks keep budgets and repeat themselves."""
    others = [name for name in codec.encoders if name != "search"]
    if not others:
        return "search alone"
    if not has_torch():
        return f"{', '.join(others)} not looked at: torch is missing"
    image = sample_picture(72, 88, 3)
    for encoder in others:
        for budget in (150, 700):
            data, again = (
                api.encode(image, codec=codec.name, budget=budget, encoder=encoder)
                for _ in range(2)
            )
            expect(len(data) <= budget, f"{encoder}: {len(data)} bytes for {budget}")
            expect(len(data) >= _LEAST_USE * budget, f"{encoder}: {len(data)} of {budget} bytes")
            expect(data == again, f"{encoder}: two runs give different files")
            expect(api.decode(data).shape == image.shape, f"{encoder}: another shape")
    return f"{', '.join(others)}: budgets kept, same input, same bytes"


def determinism(codec: Codec) -> str:
    """See that the same picture gives the same file."""
    image = sample_picture(40, 56, 3)
    first, second = (encode(codec, image, 500) for _ in range(2))
    expect(first == second, "two runs give different files")
    other = api.encode(image, codec=codec.name, budget=Budget(bpp=8 * 500 / (40 * 56)))
    expect(other == first, "the same budget in bits per pixel gives another file")
    return "same input, same bytes"
