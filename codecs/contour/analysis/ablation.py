"""What each kind of layer is worth: the objective and the bytes of windows alone, and with others.

Beside them stand tiles of what windows leave, and tiles without any layer.

::

    python -m fractour.codecs.contour.analysis.ablation IMAGE ... [--steps 180,204] [--effort 5]

``--out eval/results/contour_kinds.json`` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Geometry, Image
from ....shared.picture import color
from ....shared.tiles.analysis.encoder import LAMBDA, choose, transform
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, TileSet, component_steps
from ....shared.tiles.synthesis import reconstruction
from ....shared.tiles.synthesis.deblocking import USUAL, smooth
from ..format.layout import CUTS, KIND
from ..format.point_sets import arrange
from ..format.stream import HEADER, Ground, initial_tables, write
from ..synthesis.reconstruction import render_ground
from . import pursuit
from .outlines.stages import KINDS
from .prices import layer_prices

_SMOOTH = 2
SETS = ((), *((kind,) for kind in KINDS), KINDS)
"""Kinds that are allowed, one set after the other."""
ONLY_TILES = "only tiles"
FloatArray = npt.NDArray[np.float32]


def measure(
    planes: list[FloatArray], step: int, kinds: Sequence[str], effort: int = 5
) -> tuple[dict[str, float], Ground]:
    """Search one picture with some kinds of layer.

    Parameters
    ----------
    planes : list of (H, W) float32
    step : int
    kinds : sequence of str
        Of `stages.KINDS`.
    effort : int

    Returns
    -------
    figures : dict
        ``j``: squared error in squared steps and `LAMBDA` times the bits of the file;
        ``bytes``, ``error``, ``seconds``, ``windows``, ``cut``, ``contour``, ``stroke``.
    ground : Ground
    """
    geometry = Geometry(planes[0].shape[0], planes[0].shape[1], len(planes))
    steps = component_steps(step, NEUTRAL_CHROMA, len(planes))
    prices = layer_prices(initial_tables(), geometry.height, geometry.width)
    begun = time.perf_counter()
    state = pursuit.search(planes, steps, _SMOOTH, prices, effort, tuple(kinds))
    seconds = time.perf_counter() - begun
    layers = state.layers[arrange(state.layers, geometry.height, geometry.width)]
    ground = Ground(geometry, steps, state.base_code, state.base, layers)
    figures = _figures(planes, ground, None)
    return {**figures, "seconds": seconds}, ground


def measure_tiles(
    planes: list[FloatArray], step: int, ground: Ground
) -> tuple[dict[str, float], npt.NDArray[np.int32]]:
    """Describe what layers leave by tiles.

    Parameters
    ----------
    planes : list of (H, W) float32
    step : int
    ground : Ground
        Layers that are drawn below the tiles.

    Returns
    -------
    figures : dict
        See `measure`.
    shown : (C, H, W) int32
    """
    begun = time.perf_counter()
    below = _shown(ground, None).astype(np.float32) / np.float32(64)
    left = transform([plane - under for plane, under in zip(planes, below, strict=True)])
    tiles = choose(left, step, NEUTRAL_CHROMA, initial_tables(), last=False).tiles
    figures = _figures(planes, ground, tiles)
    return {**figures, "seconds": time.perf_counter() - begun}, _shown(ground, tiles)


def _shown(ground: Ground, tiles: TileSet | None) -> npt.NDArray[np.int32]:
    """Render layers and tiles, (C, H, W), six fractional bits."""
    shown: npt.NDArray[np.int32] = render_ground(np, ground)
    if tiles is not None:
        drawn = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
        smoothed = smooth(np, tiles, drawn, USUAL)
        shown = shown + smoothed[:, : ground.geometry.height, : ground.geometry.width]
    return shown


def _figures(planes: list[FloatArray], ground: Ground, tiles: TileSet | None) -> dict[str, float]:
    coder = write(initial_tables(), ground, tiles).coder
    size = len(entropy.finish_encoder(coder.rc, coder.buf)) + HEADER
    shown = _shown(ground, tiles).astype(np.float32) / np.float32(64)
    pairs = zip(planes, shown, strict=True)
    off = pursuit.in_steps([plane - seen for plane, seen in pairs], ground.steps)
    error = float((off.astype(np.float64) ** 2).sum())
    layers = ground.layers
    kind = layers[:, KIND]
    return {
        "j": error + LAMBDA * 8 * size,
        "bytes": size,
        "error": error,
        "windows": int(((kind == 0) & (layers[:, CUTS] == 0)).sum()),
        "cut": int(((kind == 0) & (layers[:, CUTS] > 0)).sum()),
        "contour": int((kind == 1).sum()),
        "stroke": int((kind == 2).sum()),
    }


def _ways(
    planes: list[FloatArray], step: int, sets: Sequence[tuple[str, ...]], effort: int
) -> Iterator[tuple[str, dict[str, float], npt.NDArray[np.int32]]]:
    """Describe a picture with each set of kinds, with tiles on top of the first, and by them."""
    grounds = []
    for kinds in sets:
        figures, ground = measure(planes, step, kinds, effort)
        yield "+".join(kinds) or "none", figures, _shown(ground, None)
        grounds.append(ground)
    first = grounds[0]
    for name, ground in (("tiles", first), (ONLY_TILES, Ground.empty(first.geometry, first.steps))):
        figures, shown = measure_tiles(planes, step, ground)
        yield name, figures, shown


def read_image(path: Path) -> Image:
    """Read an image file as RGB."""
    from PIL import Image as pillow

    with pillow.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def _markdown(rows: Sequence[dict[str, Any]], effort: int) -> str:
    """Tabulate how the objective changes, one line for each image and step."""
    names = list(dict.fromkeys(row["kinds"] for row in rows))[1:]
    lines = [
        "**What kinds of layer are worth: objective against windows alone, %**",
        "",
        "| image | bpp | windows | "
        + " | ".join(name if name == ONLY_TILES else f"+ {name}" for name in names)
        + " |",
        "| --- | ---: | ---: | " + " | ".join("---:" for _ in names) + " |",
    ]
    for first in rows:
        if first["kinds"] != rows[0]["kinds"]:
            continue
        same = {
            r["kinds"]: r
            for r in rows
            if (r["image"], r["step"]) == (first["image"], first["step"])
        }
        changes = [100 * (same[name]["j"] / first["j"] - 1) for name in names]
        lines.append(
            f"| {first['image']} | {first['bpp']:.3f} | {first['windows']} | "
            + " | ".join(f"{change:+.1f}" for change in changes)
            + " |"
        )
    lines += [
        "",
        f"Search at effort {effort} and one step. Objective: squared error in steps and the bits "
        "of the real file times the multiplier; negative is better. bpp and windows: of windows "
        "alone. tiles: of what windows leave.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each image, step and set of kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--steps", default="180,204,216")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--sets", default=None, help="such as none,stroke,stroke+cut")
    parser.add_argument("--pictures", type=Path, default=None, help="folder for decoded PNG files")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    chosen = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    sets: Sequence[tuple[str, ...]] = SETS
    if chosen.sets is not None:
        sets = [tuple(k for k in s.split("+") if k in KINDS) for s in chosen.sets.split(",")]
    for path in chosen.images:
        planes = color.to_components(read_image(path))
        for step in map(int, chosen.steps.split(",")):
            first = 0.0
            for name, figures, shown in _ways(planes, step, sets, chosen.effort):
                first = first or figures["j"]
                change = 100 * (figures["j"] / first - 1)
                sys.stdout.write(
                    f"{path.stem} {step} {name:18} J {figures['j']:9.1f} {change:+6.2f}% "
                    f"bytes {figures['bytes']:6d} error {figures['error']:9.1f} "
                    f"windows {figures['windows']} cut {figures['cut']} contour "
                    f"{figures['contour']} stroke {figures['stroke']} {figures['seconds']:.1f}s\n"
                )
                sys.stdout.flush()
                bpp = 8 * figures["bytes"] / planes[0].size
                rows.append(
                    {"image": path.stem, "step": step, "kinds": name, "bpp": bpp, **figures}
                )
                if chosen.pictures is not None:
                    from PIL import Image as pillow

                    pixels = color.to_pixels(np, list(shown), 6)
                    pillow.fromarray(pixels).save(
                        chosen.pictures / f"{path.stem}_{step}_{name}.png"
                    )
    if chosen.out is not None:
        document = {
            "what": "contour_kinds",
            "effort": chosen.effort,
            "rows": rows,
            "markdown": _markdown(rows, chosen.effort),
        }
        chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
