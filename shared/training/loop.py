"""The training loop: every picture at several budgets, the error weighed by the budget.

Lightning Fabric takes care of devices, precision and several processes; checkpoints hold all that
a run needs to go on to the same numbers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import BackendUnavailableError, FractourError
from ..network.contract import (
    EncoderNetwork,
    load_weights,
    network_class,
    read_recipe,
    save_weights,
)
from .captured import Captured, Step
from .crops import Crops
from .logs import StepLog
from .losses import LOSSES, WEIGHTINGS, weights_of

REPORTED_BPP = (0.05, 0.2, 0.6)
"""Budgets whose PSNR is reported: what falls within a factor of two counts."""


@dataclass(frozen=True)
class Recipe:
    """What decides the result of a run, given the corpus.

    Parameters
    ----------
    codec : str
    loss : str
        A key of `losses.LOSSES`.
    weighting : str
        One of `losses.WEIGHTINGS`.
    low, high : float
        Range of the budgets, bits a pixel; drawn log-uniformly.
    budgets : int
        At how many budgets a step sees each of its pictures.
    pictures : int
        Pictures a step, over all processes.
    size : int
        Side of the crops.
    steps : int
    rate : float
        Learning rate after a warm-up of 2 % of the steps; falls to a twentieth by a cosine.
    average : float
        Decay of the moving average of the weights, which is what is kept.
    seed : int
    distill : float
        Weight of the distance to the teacher, see `network.EncoderNetwork.teach`.
    alone : int
        First steps in which the teacher alone counts: they cost less, and bring most.
    """

    codec: str
    loss: str = "smart"
    weighting: str = "reachable"
    low: float = 0.02
    high: float = 1.0
    budgets: int = 3
    pictures: int = 4
    size: int = 128
    steps: int = 2000
    rate: float = 1e-3
    average: float = 0.998
    seed: int = 0
    distill: float = 0.1
    alone: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            message = f"unknown loss {self.loss!r}; there is {', '.join(LOSSES)}"
            raise FractourError(message)
        if self.weighting not in WEIGHTINGS:
            message = f"unknown weighting {self.weighting!r}; there is {', '.join(WEIGHTINGS)}"
            raise FractourError(message)
        if not 0 < self.low <= self.high:
            message = f"budgets run from low to high, not from {self.low} to {self.high}"
            raise FractourError(message)
        if self.alone and not self.distill:
            message = (
                "the first steps are the teacher's alone, but it has no weight; "
                "take alone=0 (--alone 0), or a weight above 0 (--distill)"
            )
            raise FractourError(message)
        if self.size % 64 or self.size < 64:
            message = f"crops have sides that 64 divides, not {self.size}"
            raise FractourError(message)


@dataclass(frozen=True)
class Report:
    """What a step gave.

    Parameters
    ----------
    step : int
        Steps done.
    loss : float
        Weighted mean.
    relative : float
        Mean error over what the twin reaches without the network; below 1 the network helps.
    psnr : tuple of float
        At `REPORTED_BPP`, NaN where no budget of the step was near.
    """

    step: int
    loss: float
    relative: float
    psnr: tuple[float, ...]


def rate_at(recipe: Recipe, step: int) -> float:
    """Return the learning rate of a step."""
    warm = max(1, recipe.steps // 50)
    if step < warm:
        return recipe.rate * (step + 1) / warm
    done = (step - warm) / max(1, recipe.steps - warm)
    return recipe.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


class _Step(torch.nn.Module):
    """Forward of a batch; a module, so that several processes share its gradients."""

    def __init__(self, network: EncoderNetwork, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe

    def forward(self, pictures: Tensor, bpp: Tensor, alone: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted loss, the relative errors (B,) and the decoded pictures."""
        judge = LOSSES[self.recipe.loss]
        found = self.network.reconstruct(pictures, bpp)
        plain = found.plain.detach().requires_grad_(self.recipe.distill > 0)
        reached = judge(pictures, plain)
        penalty = found.penalty
        if self.recipe.distill > 0:
            (gradient,) = torch.autograd.grad(reached.sum(), plain)
            penalty = penalty + self.recipe.distill * self.network.teach(pictures, found, gradient)
        reached = reached.detach()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not alone):
            errors = judge(pictures, found.pixels)
        factors = weights_of(self.recipe.weighting, bpp, reached)
        loss = (factors * errors + penalty).mean()
        relative = (errors / reached.clamp(min=1e-6)).detach()
        return loss, relative, found.pixels.detach()


def _fabric(devices: int, accelerator: str, precision: Any) -> Any:
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        message = "training needs Lightning Fabric: pip install 'fractour[train]'"
        raise BackendUnavailableError(message) from error
    strategy: Any = "auto"
    if devices > 1:
        from lightning_fabric.strategies.ddp import DDPStrategy

        # Not every head of a network has a say in every loss.
        method: Any = "popen" if accelerator in ("cuda", "gpu") else "spawn"
        strategy = DDPStrategy(start_method=method, find_unused_parameters=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Fabric(
            accelerator=accelerator, devices=devices, precision=precision, strategy=strategy
        )


class _Board:
    """TensorBoard, if it is installed."""

    def __init__(self, folder: Path | None) -> None:
        self.writer: Any = None
        if folder is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self.writer = SummaryWriter(str(folder))
            except ImportError:
                self.writer = None

    def add(self, report: Report, pictures: Tensor, decoded: Tensor, every: int) -> None:
        if self.writer is None:
            return
        self.writer.add_scalar("loss", report.loss, report.step)
        self.writer.add_scalar("relative", report.relative, report.step)
        for bpp, value in zip(REPORTED_BPP, report.psnr, strict=True):
            if not math.isnan(value):
                self.writer.add_scalar(f"psnr/{bpp}", value, report.step)
        if report.step % every == 0:
            pair = torch.cat([pictures, decoded], 3).clamp(0, 255) / 255
            self.writer.add_images("original, decoded", pair.cpu(), report.step)


def _psnr(pictures: Tensor, decoded: Tensor, bpp: npt.NDArray[np.float32]) -> list[float]:
    error = ((pictures - decoded.clamp(0, 255)) ** 2).mean((1, 2, 3)).cpu().numpy()
    values = 10 * np.log10(255.0**2 / np.maximum(error, 1e-6))
    out = []
    for at in REPORTED_BPP:
        near = np.abs(np.log2(bpp / at)) < 1
        out.append(float(values[near].mean()) if near.any() else math.nan)
    return out


def save_checkpoint(
    path: Path, step: int, network: EncoderNetwork, average: dict[str, Tensor], optimizer: Any,
    recipe: Recipe,
) -> None:  # fmt: skip
    """Write all that a run needs to go on; the file is complete or is not there."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "step": step,
            "network": network.state_dict(),
            "average": average,
            "optimizer": optimizer.state_dict(),
            "recipe": asdict(recipe),
        },
        part,
    )
    part.replace(path)


def read_checkpoint(path: Path, recipe: Recipe) -> dict[str, Any]:
    """Read a checkpoint of a run with this recipe.

    Raises
    ------
    FractourError
        If another recipe made it; the number of steps alone may differ.
    """
    kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    other = [
        f"{field.name} {kept['recipe'].get(field.name)!r}"
        for field in fields(Recipe)
        if field.name != "steps" and kept["recipe"].get(field.name) != getattr(recipe, field.name)
    ]
    if other:
        message = f"{path} was made with {', '.join(other)}; resume with the same, or start anew"
        raise FractourError(message)
    return kept


def train(
    recipe: Recipe,
    images: Sequence[npt.NDArray[np.uint8]],
    folder: Path,
    *,
    corpus_sha256: str = "",
    resume: bool = False,
    start: Path | None = None,
    devices: int = 1,
    accelerator: str = "cpu",
    precision: str = "32-true",
    every: int = 100,
    report: Callable[[Report], None] | None = None,
    board: bool = True,
) -> Path:
    """Train the network of a codec.

    Parameters
    ----------
    recipe : Recipe
    images : sequence of (H, W, 3) uint8
    folder : Path
        Gets ``checkpoint.pt`` every `every` steps, ``log.jsonl`` with a line for each step (loss,
        error beside the plain encoder, PSNR) and ``CODEC.safetensors`` at the end.
    corpus_sha256 : str
        Kept with the weights.
    resume : bool
        Go on from the checkpoint in `folder`.
    start : Path, optional
        Weights to begin with.
    devices, accelerator, precision
        Of Lightning Fabric; ``devices=2, accelerator="cpu"`` starts two processes.
    every : int
    report : callable, optional
        Called after each step (in the first process).
    board : bool
        Write TensorBoard logs to ``folder/board`` if it is installed.

    Returns
    -------
    Path
        Of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = _fabric(devices, accelerator, precision)
    # A dict: Fabric cannot hand a frozen dataclass to its processes.
    arguments = (asdict(recipe), images, folder, corpus_sha256, resume, start, every, report, board)
    if devices > 1:
        fabric.launch(_run, *arguments)
    else:
        _run(fabric, *arguments)
    return folder / f"{recipe.codec}.safetensors"


def _advance(
    fabric: Any, module: Any, optimizer: Any, alone: bool, pictures: Tensor, bpp: Tensor
) -> tuple[Tensor, ...]:
    """Take a step: loss, relative errors (B,), decoded pictures, norm of the gradient."""
    optimizer.zero_grad()
    loss, relative, decoded = module(pictures, bpp, alone)
    fabric.backward(loss)
    norm = fabric.clip_gradients(module, optimizer, max_norm=1.0, error_if_nonfinite=False)
    optimizer.step()
    return loss.detach(), relative, decoded, norm


def _run(
    fabric: Any, values: dict[str, Any], images: Sequence[npt.NDArray[np.uint8]], folder: Path,
    corpus_sha256: str, resume: bool, start: Path | None, every: int,
    report: Callable[[Report], None] | None, board: bool,
) -> None:  # fmt: skip
    """Train in one process of `fabric.world_size`; `values` are those of the recipe."""
    recipe = Recipe(**values)
    fabric.seed_everything(recipe.seed, verbose=False)
    if fabric.device.type == "cuda":
        # Products in TF32: ten bits of mantissa are enough for what a step changes.
        torch.set_float32_matmul_precision("high")
    network = network_class(recipe.codec)()
    if start is not None:
        load_weights(network, start)
    first, path = 0, folder / "checkpoint.pt"
    kept = read_checkpoint(path, recipe) if resume and path.exists() else None
    if kept is not None:
        network.load_state_dict(kept["network"])
        first = int(kept["step"])
    on_gpu = fabric.device.type == "cuda"
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.rate, weight_decay=1e-4, capturable=on_gpu
    )
    module, optimizer = fabric.setup(_Step(network, recipe), optimizer)
    if kept is not None:
        optimizer.load_state_dict(kept["optimizer"])
    rate = torch.tensor(recipe.rate, device=fabric.device)
    for group in optimizer.param_groups:
        group["lr"] = rate
    before = network.state_dict() if kept is None else kept["average"]
    average = {name: value.detach().clone().to(rate.device) for name, value in before.items()}
    steps: dict[bool, Step] = {
        alone: partial(_advance, fabric, module, optimizer, alone) for alone in (True, False)
    }
    if on_gpu and network.fixed_shapes and fabric.world_size == 1:
        steps = {alone: Captured(step) for alone, step in steps.items()}
    crops = Crops(images, recipe.size, recipe.seed)
    writer = _Board(folder / "board" if board and fabric.global_rank == 0 else None)
    log = StepLog(folder / "log.jsonl", first) if fabric.global_rank == 0 else None
    mine = slice(fabric.global_rank, None, fabric.world_size)
    relative = math.nan
    for step in range(first, recipe.steps):
        rate.fill_(rate_at(recipe, step))
        batch = crops.batch(step, recipe.pictures)
        bpp = np.concatenate(
            [crops.budgets(step * recipe.pictures + i, recipe.budgets, recipe.low, recipe.high)
             for i in range(recipe.pictures)]
        )[mine]  # fmt: skip
        pixels = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
        pictures = pixels.to(fabric.device).float().repeat_interleave(recipe.budgets, 0)[mine]
        loss, ratios, decoded, norm = steps[step < recipe.alone](
            pictures, torch.from_numpy(bpp).to(fabric.device)
        )
        if not math.isfinite(float(norm)):
            message = (
                f"step {step + 1} has no finite gradient; go on from {path} "
                "with a lower rate (--rate)"
            )
            raise FractourError(message)
        decay = min(recipe.average, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(average.values()), list(network.state_dict().values()), 1 - decay)
        if log is None:
            continue
        mean = float(ratios.log().mean().exp())
        relative = mean if math.isnan(relative) else 0.98 * relative + 0.02 * mean
        done = Report(step + 1, float(loss), mean, tuple(_psnr(pictures, decoded, bpp)))
        writer.add(done, pictures, decoded, every)
        quality = {f"psnr_{at}": value for at, value in zip(REPORTED_BPP, done.psnr, strict=True)}
        log.add({"step": done.step, "loss": done.loss, "relative": done.relative, **quality})
        if report:
            report(done)
        if (step + 1) % every == 0:
            save_checkpoint(path, step + 1, network, average, optimizer, recipe)
    if fabric.global_rank == 0:
        save_checkpoint(path, max(first, recipe.steps), network, average, optimizer, recipe)
        began = {} if start is None else {"start": read_recipe(start)}
        metrics = {"relative_error": None if math.isnan(relative) else round(relative, 4)}
        save_weights(
            folder / f"{recipe.codec}.safetensors",
            average,
            {**asdict(recipe), "corpus_sha256": corpus_sha256, "metrics": metrics, **began},
        )
