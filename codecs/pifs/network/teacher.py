"""Teach the network where fractal maps pay: what the search did, seen by features that are there.

The backbone learns what counts (``fractour train pifs``) and is not touched any more; two small
heads then learn in which leaves the search puts a map. Run, after training, as::

    python -m fractour.codecs.pifs.network.teacher CORPUS WEIGHTS.safetensors

which finds maps in crops of the corpus for some minutes and writes the weights back.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ....shared.network.contract import load_weights, read_recipe, save_weights
from ....shared.tiles.format.syntax import COMP, LEFT, LOG, TOP
from ..analysis import search as analysis
from ..format.stream import initial_tables
from .model import MAPPED, PifsNetwork

_SIDE = 256
_FINEST, _COARSEST = 95, 215
_STEPS, _BATCH, _RATE = 1500, 16, 2e-3


@dataclass(frozen=True)
class Lesson:
    """What the search did with a crop.

    Parameters
    ----------
    crop : (256, 256, 3) uint8
    bpp : float
    mapped : list by size of (rows, columns) bool
        Whether a leaf of that size with a map is there.
    """

    crop: npt.NDArray[np.uint8]
    bpp: float
    mapped: list[npt.NDArray[np.bool_]]


def lesson(crop: npt.NDArray[np.uint8], step: int) -> Lesson:
    """Search a crop at a step."""
    found = analysis.analyze(crop, pure=False)
    tiles, maps, _, written = analysis.choose(found, step, initial_tables(pure=False))
    bpp = sum(written.coder.shares().values()) / (_SIDE * _SIDE)
    chosen = tiles.leaves[(maps[:, 0] != 0) & (tiles.leaves[:, COMP] == 0)]
    mapped = []
    for log in MAPPED:
        out = np.zeros((_SIDE >> log, _SIDE >> log), np.bool_)
        leaves = chosen[chosen[:, LOG] == log]
        out[leaves[:, TOP] >> log, leaves[:, LEFT] >> log] = True
        mapped.append(out)
    return Lesson(crop, bpp, mapped)


def teach(
    network: PifsNetwork, lessons: list[Lesson], rng: np.random.Generator, steps: int = _STEPS
) -> float:
    """Train the heads; return the mean cross-entropy of the last steps, bits a leaf."""
    network.eval().requires_grad_(False)
    features = []
    for one in lessons:
        pixels = torch.from_numpy(one.crop.transpose(2, 0, 1)[None].astype(np.float32))
        fine, middle, _ = network.backbone(pixels, torch.tensor([one.bpp]).clamp(0.02, 1.0))
        features.append((fine[0].half(), middle[0].half()))
    goals = [
        torch.from_numpy(np.stack([one.mapped[k] for one in lessons])).float()
        for k in range(len(MAPPED))
    ]
    heads = [network.narrow, network.wide]
    parameters = [p.requires_grad_() for head in heads for p in head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=1e-3)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / steps)
        chosen = rng.choice(len(lessons), min(_BATCH, len(lessons)), replace=False)
        fine, middle = (torch.stack([features[i][k].float() for i in chosen]) for k in range(2))
        loss = _distance(network.logits_of(fine, middle), [goal[chosen] for goal in goals])
        optimizer.zero_grad()
        torch.autograd.backward([loss])
        optimizer.step()
        losses.append(float(loss.detach()) / np.log(2))
    network.requires_grad_(True)
    return float(np.mean(losses[-100:]))


def _distance(logits: list[Tensor], goals: list[Tensor]) -> Tensor:
    """Cross-entropy per leaf of 8 pixels; a larger one counts as much as its perimeter."""
    parts = [
        binary_cross_entropy_with_logits(a, b, reduction="sum") * 2.0**k
        for k, (a, b) in enumerate(zip(logits, goals, strict=True))
    ]
    return torch.stack(parts).sum() / goals[0].numel()


def lessons_of(
    images: list[npt.NDArray[np.uint8]], count: int, rng: np.random.Generator
) -> list[Lesson]:
    """Search crops of images, at random steps."""
    large = [image for image in images if min(image.shape[:2]) >= _SIDE]
    out = []
    for i in range(count):
        image = large[int(rng.integers(len(large)))] if i >= len(large) else large[i]
        top, left = (int(rng.integers(n - _SIDE + 1)) for n in image.shape[:2])
        crop = np.ascontiguousarray(image[top : top + _SIDE, left : left + _SIDE])
        out.append(lesson(crop, int(rng.integers(_FINEST, _COARSEST))))
    return out


def main() -> None:
    """Find maps, teach, and write the weights back."""
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="folder of pictures")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--crops", type=int, default=400)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    paths = sorted(path for path in options.corpus.iterdir() if path.is_file())
    rng.shuffle(paths)
    images = [np.array(Image.open(path).convert("RGB")) for path in paths[: options.crops]]
    network = PifsNetwork()
    load_weights(network, options.weights)
    bits = teach(network, lessons_of(images, options.crops, rng), rng)
    recipe = read_recipe(options.weights)
    recipe["maps"] = {"crops": options.crops, "steps": _STEPS, "bits_a_leaf": round(bits, 4)}
    save_weights(options.weights, network.state_dict(), recipe)


if __name__ == "__main__":
    main()
