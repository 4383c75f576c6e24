"""A training step that a GPU repeats by itself: recorded once as a CUDA graph, then replayed.

A step is tens of thousands of small kernels. Launched one by one from Python they take over a
second, whatever the size of the batch; replayed, as long as the device computes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_BEFORE = 3
"""Steps that are taken one kernel at a time first: libraries choose and allocate in them."""

Step = Callable[[Tensor, Tensor], tuple[Tensor, ...]]


class Captured:
    """A step on a CUDA device, replayed from the fourth call on.

    Parameters
    ----------
    step : callable
        Takes pictures (B, 3, H, W) and budgets (B,) of one shape always, and returns tensors. It
        must not look at values on the device (no ``item``, no shape that depends on data), must
        copy nothing to it, and must let gradients be made anew (``zero_grad`` to none).
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: tuple[Tensor, ...] = ()
        self._found: tuple[Tensor, ...] = ()
        self._refused = False

    def __call__(self, pictures: Tensor, bpp: Tensor) -> tuple[Tensor, ...]:
        """Take the step; what it returns is overwritten by the next call.

        Where the device does not record it, the step is taken without, and a warning says why.
        """
        self._calls += 1
        if self._calls <= _BEFORE or self._refused:
            return self._aside(pictures, bpp)
        if self._graph is None:
            self._given = pictures.clone(), bpp.clone()
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph):
                    self._found = self._step(*self._given)
            except RuntimeError as error:
                warnings.warn(f"steps are not recorded, but launched: {error}", stacklevel=2)
                self._refused = True
                return self._aside(pictures, bpp)
            self._graph = graph
        for kept, new in zip(self._given, (pictures, bpp), strict=True):
            kept.copy_(new)
        self._graph.replay()
        return self._found

    def _aside(self, pictures: Tensor, bpp: Tensor) -> tuple[Tensor, ...]:
        """Take the step on another stream, as recording wants it of the steps before."""
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            found = self._step(pictures, bpp)
        torch.cuda.current_stream().wait_stream(aside)
        return found


__all__ = ["Captured"]
