"""Test pictures and distortions for `judging.orderings`: lines, letters, pages, textures, warps.

Everything is made from seeds and from what Pillow, SciPy and (where installed) scikit-image and
matplotlib ship. Pictures are float64, code values 0 to 255; `finished` rounds them.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

FINE = 8
"""Samples per pixel, along each axis, that drawings are averaged from."""

SENTENCES = (
    "the quick brown fox jumps over a lazy dog while boxing wizards gather quietly under zinc "
    "skies and seven vexed mathematicians judge every prime number in the old ledger by hand"
)


def finished(picture: Picture) -> Pixels:
    """Round to uint8."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def mean_square(first: Picture, second: Picture) -> float:
    """Mean squared difference of two pictures as they are finished."""
    difference = finished(first).astype(np.float64) - finished(second)
    return float(np.mean(difference * difference))


def matched(
    reference: Picture, target: float, distort: Callable[[float], Picture], high: float
) -> Picture | None:
    """Return the distortion whose MSE is `target`, or None if no strength up to `high` has it.

    Parameters
    ----------
    distort : callable
        Strength to picture; its error rises with the strength.
    high : float
        Greatest strength.
    """
    low, best = 0.0, None
    if mean_square(reference, distort(high)) < target:
        return None
    for _ in range(18):
        middle = (low + high) / 2
        candidate = distort(middle)
        error = mean_square(reference, candidate)
        if best is None or abs(error - target) < abs(best[0] - target):
            best = error, candidate
        if error < target:
            low = middle
        else:
            high = middle
    assert best is not None
    # A reader must be able to trust "equal": within 3 %.
    return best[1] if abs(best[0] - target) <= 0.03 * target else None


def blurred(picture: Picture, sigma: float) -> Picture:
    """Gaussian blur."""
    from scipy.ndimage import gaussian_filter

    axes = (sigma, sigma, 0)[: picture.ndim]
    return np.asarray(gaussian_filter(picture, axes, mode="mirror"))


def warped(
    picture: Picture, dy: Picture | float, dx: Picture | float, *, order: int = 3
) -> Picture:
    """Resample: the pixel at (y, x) comes from (y - dy, x - dx), splines."""
    from scipy.ndimage import map_coordinates

    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float64)
    places = [rows - dy, columns - dx]
    planes = picture[..., None] if picture.ndim == 2 else picture
    found = [
        map_coordinates(planes[..., at], places, order=order, mode="mirror")
        for at in range(planes.shape[2])
    ]
    return np.stack(found, axis=-1).reshape(picture.shape)


def turned(picture: Picture, degrees: float, scale: float = 1.0) -> Picture:
    """Rotate and scale about the centre."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    y, x = rows - (height - 1) / 2, columns - (width - 1) / 2
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return warped(
        picture,
        y - (cosine * y - sine * x) / scale,
        x - (sine * y + cosine * x) / scale,
    )


def noise_like(shape: Sequence[int], seed: int) -> Picture:
    """White Gaussian noise of deviation 1."""
    return np.random.default_rng(seed).standard_normal(shape)


def wobble(shape: Sequence[int], seed: int, sigma: float = 20.0) -> tuple[Picture, Picture]:
    """Smooth displacements with a root mean square of one pixel each."""
    fields = [blurred(noise_like(shape[:2], seed + at), sigma) for at in range(2)]
    first, second = (field / math.sqrt(float(np.mean(field * field))) for field in fields)
    return first, second


def jpeg(picture: Picture, quality: int) -> Picture:
    """Encode to JPEG and decode."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(finished(picture)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.float64)


def impulses(picture: Picture, count: int, seed: int) -> Picture:
    """Set single pixels to the opposite end of the range."""
    generator = np.random.default_rng(seed)
    result = picture.copy()
    rows = generator.integers(8, picture.shape[0] - 8, count)
    columns = generator.integers(8, picture.shape[1] - 8, count)
    result[rows, columns] = np.where(result[rows, columns] < 128, 255.0, 0.0)
    return result


# Drawings


def averaged(fine: Picture) -> Picture:
    """Reduce a drawing of `FINE` samples per pixel to pixels."""
    height, width = (side // FINE for side in fine.shape)
    return fine.reshape(height, FINE, width, FINE).mean(axis=(1, 3))


def line(
    side: int,
    degrees: float,
    width: float = 1.0,
    offset: float = 0.0,
    dashes: tuple[float, float] | None = None,
    bend: float = 0.0,
) -> Picture:
    """Coverage (0 to 1) of a line through the middle of a square picture.

    Parameters
    ----------
    side : int
        Pixels.
    degrees : float
        Its direction.
    width, offset : float
        Pixels; the offset is along the normal.
    dashes : tuple of float, optional
        Lengths of stroke and gap, pixels.
    bend : float
        Amplitude of a slow wave, pixels.
    """
    place = (np.arange(side * FINE) + 0.5) / FINE - side / 2 - 0.5 / FINE
    y, x = np.meshgrid(place, place, indexing="ij")
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along, across = x * cosine + y * sine, y * cosine - x * sine
    across = across - offset - bend * np.sin(along / 17)
    # Centred on a row of pixels, where a shift by half a pixel hurts most.
    inside = (np.abs(across - 0.5) <= width / 2) & (np.abs(along) <= 0.42 * side)
    if dashes:
        inside &= (along % sum(dashes)) < dashes[0]
    return averaged(inside.astype(np.float64))


def fonts() -> dict[str, Any]:
    """Fonts by name: Pillow's own, and those inside matplotlib where it is installed."""
    found: dict[str, Any] = {"default": None}
    try:
        from matplotlib import get_data_path
    except ImportError:
        return found
    folder = Path(get_data_path()) / "fonts" / "ttf"
    for name in ("DejaVuSerif", "DejaVuSansMono", "DejaVuSans-BoldOblique", "cmr10"):
        if (folder / f"{name}.ttf").is_file():
            found[name] = folder / f"{name}.ttf"
    return found


@functools.cache
def _font(name: str, size: float) -> Any:
    from PIL import ImageFont

    path = fonts()[name]
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


def text(
    words: str,
    size: float,
    shape: tuple[int, int],
    *,
    font: str = "default",
    nudge: float = 0.0,
) -> Picture:
    """Coverage (0 to 1) of words in the middle, `nudge` pixels to the right of it."""
    from PIL import Image, ImageDraw

    height, width = shape
    sheet = Image.new("L", (width * FINE, height * FINE), 0)
    draw = ImageDraw.Draw(sheet)
    face = _font(font, size * FINE)
    # On the base line: another letter in its place must not move up or down.
    place = ((width / 2 + nudge) * FINE, (height / 2 + size / 3) * FINE)
    draw.text(place, words, 255, font=face, anchor="ms")
    return averaged(np.asarray(sheet, np.float64) / 255)


def page_words(seed: int, count: int = 120) -> list[str]:
    """Words of a page, in an order that depends on the seed."""
    order = np.random.default_rng(seed).integers(0, 29, count)
    words = SENTENCES.split()
    return [words[at % len(words)] for at in order]


def page(
    words: Sequence[str], size: float, shape: tuple[int, int], *, font: str = "default"
) -> Picture:
    """Coverage (0 to 1) of lines of words that fill a page."""
    from PIL import Image, ImageDraw

    height, width = shape
    sheet = Image.new("L", (width * FINE, height * FINE), 0)
    draw = ImageDraw.Draw(sheet)
    face = _font(font, size * FINE)
    at, y = 0, 6.0
    while y + size * 1.3 < height and at < len(words):
        x = 8.0
        while at < len(words):
            reach = draw.textlength(words[at], font=face) / FINE
            if x + reach > width - 8:
                break
            draw.text((x * FINE, y * FINE), words[at], 255, font=face)
            x += reach + size * 0.3
            at += 1
        y += size * 1.35
    return averaged(np.asarray(sheet, np.float64) / 255)


def inked(coverage: Picture, paper: float = 245.0, ink: float = 20.0) -> Picture:
    """Turn coverage into grey code values."""
    return paper + (ink - paper) * coverage


# Textures and photographs


def texture(kind: str, side: int, seed: int) -> Picture:
    """A stationary texture of deviation 24 around 128.

    Parameters
    ----------
    kind : {"sand", "cloth", "grass", "scales"}
    """
    field = noise_like((side, side), seed)
    if kind == "sand":
        field = blurred(field, 0.8)
    elif kind == "grass":
        from scipy.ndimage import gaussian_filter

        field = np.asarray(gaussian_filter(field, (4.0, 0.7), mode="wrap"))
    elif kind == "cloth":
        row, column = np.mgrid[:side, :side]
        weave = np.sin(row * 1.1 + seed) + np.sin(column * 1.1 + 2 * seed)
        field = weave + blurred(field, 1.0) * 2
    else:
        field = np.abs(blurred(field, 2.0)) * 10
    field = field - field.mean()
    return 128 + 24 * field / field.std()


@functools.cache
def photograph(name: str, top: int, left: int, side: int = 192) -> Picture | None:
    """Return a piece of a picture of the default corpus; None if it is not on this machine."""
    from ...corpora.catalog import open_corpus
    from ...shared.errors import BackendUnavailableError

    for corpus in ("default", "synthetic"):
        try:
            images = {image.name: image for image in open_corpus(corpus).images}
        except BackendUnavailableError:
            continue
        if name in images:
            pixels = images[name].load().astype(np.float64)
            return pixels[top : top + side, left : left + side]
    return None
