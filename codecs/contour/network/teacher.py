"""Distillation: the layers that the search finds teach the network where windows belong.

::

    python -m fractour.codecs.contour.network.teacher search CORPUS LISTS.npz --seconds 800
    python -m fractour.codecs.contour.network.teacher distill LISTS.npz FOLDER --steps 3000

The first searches crops at several steps, one core for as long as it is told; the second trains
on them (some of them turned over) and leaves ``weights.safetensors``, from which
``fractour train contour --start`` goes on, with the smart error through the float twin.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cosine_similarity,
    cross_entropy,
    huber_loss,
)

from ....shared.codec import Geometry
from ....shared.network.contract import save_weights
from ....shared.picture import color
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from ....shared.tiles.format.syntax import FRACTION_BITS
from ....shared.training.loop import Recipe, rate_at
from ..analysis import pursuit
from ..analysis.prices import layer_prices
from ..analysis.ranking import worths
from ..format.layout import ANGLE, ANGLES, ASPECT, COMP, FREQUENCY, LEFT, SCALE, TOP
from ..format.stream import Ground, arrange, initial_tables, write
from ..synthesis.windows import draw
from .model import BITS_EACH, SMOOTH, ContourNetwork, smooth_ground
from .slots import GRIDS, Grid, windows_of

CROP = 256
_FINEST_STEP, _COARSEST_STEP = 176, 238
_APART = 10
_EFFORT = 3
_AVERAGE = 0.995
_AGAIN = 0.5
"""Part of the examples in which some windows are there already."""
Layers = npt.NDArray[np.int32]
Planes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lists:
    """What the search found.

    Parameters
    ----------
    crops : (k, CROP, CROP, 3) uint8
    crop : (m,) int64
        Crop of each list.
    step : (m,) int64
        Quantizer step at which it was searched.
    bpp : (m,) float32
        Bits a pixel that the layers take.
    first : (m + 1,) int64
        Where the list begins in `layers`.
    layers : (n, FIELDS) int16
    gain : (n,) float32
        Squared error that each removes, in squared steps.
    """

    crops: npt.NDArray[np.uint8]
    crop: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    bpp: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    layers: npt.NDArray[np.int16]
    gain: npt.NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write an ``.npz``."""
        np.savez_compressed(path, **vars(self))


def read_lists(path: Path) -> Lists:
    """Read what `Lists.save` wrote."""
    with np.load(path) as opened:
        return Lists(**{name: opened[name] for name in Lists.__dataclass_fields__})


def search_lists(images: list[npt.NDArray[np.uint8]], seconds: float, seed: int) -> Lists:
    """Search random crops, each at two steps, for so many seconds."""
    rng = np.random.default_rng(seed)
    began, order = time.perf_counter(), rng.permutation(len(images))
    crops: list[npt.NDArray[np.uint8]] = []
    found: list[tuple[int, int, float, Layers, npt.NDArray[np.float64]]] = []
    prices = layer_prices(initial_tables(), CROP, CROP)
    while time.perf_counter() - began < seconds:
        image = images[int(order[len(crops) % len(order)])]
        short = [(0, max(0, CROP - n)) for n in image.shape[:2]]
        image = np.pad(image, [*short, (0, 0)], mode="symmetric")
        y, x = (int(rng.integers(n - CROP + 1)) for n in image.shape[:2])
        crops.append(image[y : y + CROP, x : x + CROP])
        planes = color.to_components(crops[-1])
        at = int(rng.integers(_FINEST_STEP, _COARSEST_STEP))
        fine, coarse = (component_steps(s, NEUTRAL_CHROMA, 3) for s in (at, at + _APART))
        first = pursuit.search(planes, fine, SMOOTH, prices, _EFFORT)
        second = pursuit.adapt(first, planes, coarse, prices, finer=False)
        for step, state in ((at, first), (at + _APART, second)):
            layers = state.layers[arrange(state.layers, CROP, CROP)]
            geometry = Geometry(CROP, CROP, 3)
            ground = Ground(geometry, state.steps, state.base_code, state.base.copy(), layers)
            bits = sum(write(initial_tables(), ground, None).coder.shares().values())
            gain = worths(planes, ground).gain
            found.append((len(crops) - 1, step, bits / CROP**2, layers, gain))
    return Lists(
        np.stack(crops),
        np.array([crop for crop, *_ in found], np.int64),
        np.array([step for _, step, *_ in found], np.int64),
        np.array([bpp for _, _, bpp, *_ in found], np.float32),
        np.cumsum([0, *(len(layers) for *_, layers, _ in found)]),
        np.concatenate([layers for *_, layers, _ in found]).astype(np.int16),
        np.concatenate([gain for *_, gain in found]).astype(np.float32),
    )


def turned(planes: Planes, layers: Layers, way: int) -> tuple[Planes, Layers]:
    """Turn planes (C, CROP, CROP) and the outlines of layers over, in one of eight ways."""
    layers = layers.copy()
    side = 16 * CROP
    if way & 1:
        planes, layers[:, LEFT] = planes[:, :, ::-1], side - layers[:, LEFT]
        layers[:, ANGLE] = -layers[:, ANGLE] % ANGLES
    if way & 2:
        planes, layers[:, TOP] = planes[:, ::-1], side - layers[:, TOP]
        layers[:, ANGLE] = -layers[:, ANGLE] % ANGLES
    if way & 4:
        planes = planes.transpose(0, 2, 1)
        layers[:, [TOP, LEFT]] = layers[:, [LEFT, TOP]]
        layers[:, ANGLE] = (ANGLES // 2 - layers[:, ANGLE]) % ANGLES
    return planes, layers


def partly_drawn(
    planes: Planes,
    layers: Layers,
    gain: npt.NDArray[np.float32],
    step: int,
    rng: np.random.Generator,
) -> tuple[Planes, npt.NDArray[np.bool_]]:
    """Take some of the layers away from the planes: a picture that was looked at before.

    Those that gain most are taken rather than others.

    Returns
    -------
    planes : (C, CROP, CROP) float32
    left : (n,) bool
        Layers that are still to be found.
    """
    share = rng.uniform(0.4, 0.95)
    rank = np.argsort(np.argsort(gain)) / max(len(gain), 1)
    left = rank + rng.normal(0.0, 0.35, len(gain)) < np.quantile(rank, 1 - share)
    shown = np.zeros(planes.shape, np.int32)
    steps = component_steps(step, NEUTRAL_CHROMA, len(planes))
    draw(layers[~left], steps, 1, shown)
    return planes - shown.astype(np.float32) / np.float32(1 << FRACTION_BITS), left


def matched(
    layers: Layers, gain: npt.NDArray[np.float32], grid: Grid, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the layer that each cell of a grid is to propose, of several that which gains most.

    Returns
    -------
    cells, chosen : (k,) int
        Indices of cells, flattened, and of layers.
    """
    octaves = [g.octave for g in GRIDS if g.comp == grid.comp]
    octave = np.clip(layers[:, SCALE] // 2, min(octaves), max(octaves))
    mine = np.flatnonzero((layers[:, COMP] == grid.comp) & (octave == grid.octave))
    mine = mine[np.argsort(-gain[mine], kind="stable")]
    row, column = (np.clip(layers[mine, a] // (16 * grid.cell), 0, n - 1)
                   for a, n in zip((TOP, LEFT), shape, strict=True))  # fmt: skip
    cells, first = np.unique(row * shape[1] + column, return_index=True)
    return cells.astype(np.intp), mine[first]


def distance(cells: list[Tensor], lists: list[tuple[Layers, npt.NDArray[np.float32]]]) -> Tensor:
    """How far what the network says is from the teacher's lists, one for each picture."""
    total = cells[0].new_zeros(())
    for grid, said in zip(GRIDS, cells, strict=True):
        batch, rows, columns, _ = said.shape
        where, rows_of, gains = [], [], []
        for i, (layers, gain) in enumerate(lists):
            cell, chosen = matched(layers, gain, grid, (rows, columns))
            where.append(cell + i * rows * columns)
            rows_of.append(layers[chosen])
            gains.append(gain[chosen])
        at = torch.from_numpy(np.concatenate(where))
        target = torch.from_numpy(np.concatenate(rows_of)).float()
        size = torch.from_numpy(np.concatenate(gains))
        windows = windows_of(said, grid)
        wanted = torch.zeros(len(windows))
        wanted[at] = 1.0
        sure = binary_cross_entropy_with_logits(windows.confidence, wanted, reduction="sum")
        total = total + sure / batch
        if not len(at):
            continue
        mine = windows.at(at)
        weight = (size.clamp(min=1.0) / (0.14 * BITS_EACH)).clamp(0.5, 16.0).sqrt()
        radius = torch.exp2((6 + 2 * target[:, SCALE]) / 4)
        place = sum(
            huber_loss(a / radius, target[:, field] / 16 / radius, reduction="none", delta=0.2)
            for a, field in ((mine.y, TOP), (mine.x, LEFT))
        )
        form = huber_loss(mine.scale, target[:, SCALE], reduction="none", delta=0.5)
        form = form + 0.5 * huber_loss(mine.aspect, target[:, ASPECT], reduction="none", delta=1.0)
        double = target[:, ANGLE] * (2 * np.pi / ANGLES)
        way = torch.stack([double.cos(), double.sin()], 1)
        turned_by = 1 - cosine_similarity(mine.direction, way)
        turned_by = turned_by * ((target[:, ASPECT] > 0) | (target[:, FREQUENCY] > 0))
        wave = cross_entropy(mine.frequency, target[:, FREQUENCY].long(), reduction="none")
        apart = 10.0 * place + form + 1.5 * turned_by + 0.5 * wave
        total = total + (weight * apart).sum() / batch
    return total


def distill(
    lists: Lists,
    folder: Path,
    recipe: Recipe,
    start: Path | None = None,
    report: Callable[[int, float], None] | None = None,
) -> Path:
    """Train a network on lists; `report` gets the steps done and their mean loss."""
    torch.manual_seed(recipe.seed)
    network = ContourNetwork()
    if start is not None:
        from ....shared.network.contract import load_weights

        load_weights(network, start)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=1e-4)
    folder.mkdir(parents=True, exist_ok=True)
    running = 0.0
    for step in range(recipe.steps):
        rng = np.random.default_rng((recipe.seed, step))
        inputs, teacher, bpp = [], [], []
        for index in rng.integers(len(lists.bpp), size=recipe.pictures):
            part = slice(lists.first[index], lists.first[index + 1])
            layers, gain = lists.layers[part].astype(np.int32), lists.gain[part]
            planes = np.stack(color.to_components(lists.crops[lists.crop[index]]))
            if rng.random() < _AGAIN:
                planes, left = partly_drawn(planes, layers, gain, int(lists.step[index]), rng)
                layers, gain = layers[left], gain[left]
            planes, layers = turned(planes, layers, int(rng.integers(8)))
            inputs.append(torch.from_numpy(np.ascontiguousarray(planes)))
            teacher.append((layers, gain))
            bpp.append(lists.bpp[index])
        whole = torch.stack(inputs)
        cells = network.cells(whole - smooth_ground(whole), torch.from_numpy(np.array(bpp)))
        count = sum(len(layers) for layers, _ in teacher) / len(teacher)
        loss = distance(cells, teacher) / (count + 20.0)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step)
        optimizer.step()
        decay = min(_AVERAGE, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            average[name].mul_(decay).add_(value, alpha=1 - decay)
        running += float(loss.detach())
        if (step + 1) % 50 == 0:
            if report:
                report(step + 1, running / 50)
            running = 0.0
            _save(folder, average, recipe, step + 1)
    return _save(folder, average, recipe, recipe.steps)


def _save(folder: Path, average: dict[str, Tensor], recipe: Recipe, done: int) -> Path:
    path = folder / "weights.safetensors"
    save_weights(path, average, {**vars(recipe), "loss": "teacher", "done": done})
    return path


def _main() -> None:
    parser = argparse.ArgumentParser(description="Teach the contour network what the search finds.")
    parts = parser.add_subparsers(dest="part", required=True)
    first = parts.add_parser("search")
    first.add_argument("corpus", type=Path)
    first.add_argument("out", type=Path)
    first.add_argument("--seconds", type=float, default=800.0)
    second = parts.add_parser("distill")
    second.add_argument("lists", type=Path)
    second.add_argument("folder", type=Path)
    second.add_argument("--steps", type=int, default=3000)
    second.add_argument("--rate", type=float, default=1e-3)
    second.add_argument("--pictures", type=int, default=4)
    second.add_argument("--start", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.part == "search":
        from ....shared.picture.files import read_image

        files = sorted(p for p in given.corpus.iterdir() if p.suffix in {".webp", ".png"})
        images = [read_image(path.open("rb"), path.name) for path in files]
        images = [image for image in images if image.ndim == 3 and image.shape[2] == 3]
        search_lists(images, given.seconds, 1).save(given.out)
        return
    recipe = Recipe("contour", steps=given.steps, rate=given.rate, pictures=given.pictures)

    def report(done: int, loss: float) -> None:
        sys.stderr.write(f"{done} of {recipe.steps} steps, loss {loss:.4f}\n")

    distill(read_lists(given.lists), given.folder, recipe, given.start, report)


if __name__ == "__main__":
    _main()
