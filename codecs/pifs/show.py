"""Pictures that explain a pifs file: leaves, maps, pyramid, forgetting the start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...shared.codec import Image
from ...shared.picture import color, drawing
from ...shared.tiles.format.syntax import COMP, FRACTION_BITS, LEFT, LOG, ROOT_LOG, TOP
from ...shared.tiles.show import quadtree
from ...shared.tiles.synthesis import reconstruction as tiles_synthesis
from .format.stream import Symbols
from .synthesis.pyramid import LEVELS, attract, iterate
from .synthesis.reconstruction import planes

STRONGEST = 40
_KINDS = (
    drawing.Kind("domain added to its leaf", drawing.ORANGE),
    drawing.Kind("domain subtracted", drawing.BLUE),
)
Planes = npt.NDArray[np.int32]


def strongest(symbols: Symbols, plane: Planes, count: int = STRONGEST) -> npt.NDArray[np.int64]:
    """Leaves whose maps change the picture most: ``|s|`` * contrast of domain * area.

    Returns
    -------
    (at most `count`,) int64
        Falling.
    """
    leaves, maps = symbols.tiles.leaves, symbols.maps
    found = np.nonzero((maps[:, 0] != 0) & (leaves[:, COMP] == 0))[0]
    weight = np.zeros(len(found))
    for k, i in enumerate(found.tolist()):
        scale, top, left = maps[i].tolist()
        side = 2 << int(leaves[i, LOG])
        contrast = float(plane[top : top + side, left : left + side].std())
        weight[k] = abs(scale) * contrast * side * side
    return found[np.argsort(-weight, kind="stable")][:count]


def _arrows(symbols: Symbols, pixels: Image, chosen: npt.NDArray[np.int64]) -> Image:
    chosen = chosen[::-1]
    leaves, maps = symbols.tiles.leaves[chosen], symbols.maps[chosen]
    sides = 1 << leaves[:, LOG].astype(np.int64)
    ranges = np.stack([leaves[:, TOP], leaves[:, LEFT], sides], axis=1).astype(np.int64)
    domains = np.stack([maps[:, 1], maps[:, 2], 2 * sides], axis=1).astype(np.int64)
    kinds = (maps[:, 0] < 0).astype(np.int64)
    return drawing.arrows(pixels, domains, ranges, kinds, _KINDS)


def _picture(symbols: Symbols, samples: Planes) -> Image:
    geometry = symbols.tiles.geometry
    inside = [plane[: geometry.height, : geometry.width] for plane in samples]
    return drawing.rgb(color.to_pixels(np, inside, FRACTION_BITS))


def _passes(symbols: Symbols, plain: Planes) -> tuple[list[Image], list[Image]]:
    """Pictures of the pyramid, coarse to fine, and of the classic decoder from noise."""
    tiles, maps = symbols.tiles, symbols.maps
    fine = [np.empty_like(plain) for _ in range(LEVELS)]
    classic = [plain.copy() for _ in range(LEVELS + 1)]
    noise = np.random.default_rng(0).integers(-128, 128, plain.shape[1:], np.int32)
    noise <<= FRACTION_BITS
    # Decoded from nothing: noise in brightness, no colour; alpha stays as the tiles have it.
    classic[0][: min(len(plain), 3)] = 0
    classic[0][0] = noise
    for comp in range(len(plain)):
        mine = (maps[:, 0] != 0) & (tiles.leaves[:, COMP] == comp)
        levels = attract(np, plain[comp], tiles.leaves[mine], maps[mine])
        for level in range(LEVELS):
            cells = np.repeat(levels[level], 1 << level, axis=0)
            fine[ROOT_LOG - level][comp] = np.repeat(cells, 1 << level, axis=1)
        start = classic[0][comp]
        states = iterate(np, plain[comp], tiles.leaves[mine], maps[mine], start, LEVELS)
        for number, state in enumerate(states, 1):
            classic[number][comp] = state[0]
    return [_picture(symbols, x) for x in fine], [_picture(symbols, x) for x in classic]


def panels(symbols: Symbols, pixels: Image) -> list[tuple[str, Image]]:
    """Draw all panels, see `shared.codec.Codec.panels`."""
    mapped = symbols.maps[:, 0] != 0
    out = [("quadtree of brightness", quadtree(symbols.tiles, symbols.known, pixels, mapped))]
    if not mapped.any():
        return out
    chosen = strongest(symbols, planes(symbols, np)[0])
    if len(chosen):
        title = f"the {len(chosen)} strongest of {int(mapped.sum())} maps, domain to range"
        out.append((title, _arrows(symbols, pixels, chosen)))
    plain = tiles_synthesis.render(np, symbols.tiles, symbols.known)
    picture = drawing.magnify(_picture(symbols, plain), drawing.magnification(*pixels.shape[:2]))
    out.append(("without the maps", picture))
    pyramid, classic = _passes(symbols, plain)
    names = [f"pass {i}: cells of {64 >> i}" for i in range(LEVELS)]
    shown = [
        *zip(names, pyramid, strict=True),
        ("deblocked: the decoded picture", drawing.rgb(pixels)),
    ]
    out.append(("pyramid, coarse to fine", drawing.strip(shown)))
    names = ["start: noise", *(f"after pass {i}" for i in range(1, LEVELS + 1))]
    shown = list(zip(names, classic, strict=True))
    out.append(("classic decoding: the start is forgotten", drawing.strip(shown)))
    return out
