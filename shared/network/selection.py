"""The cut at the budget, differentiable: rank by worth, keep until the bits are spent.

What survives is decided hard, as in `shared.budget.select`. Backwards the step is smoothed
(straight-through [1]_), and the budget itself is held: what gains in rank pushes out what stands
at the edge, bit for bit, so no gradient can say "more of everything".

References
----------
.. [1] Y. Bengio, N. Leonard, A. Courville, "Estimating or propagating gradients through
   stochastic neurons for conditional computation", 2013, arXiv:1308.3432
"""

from __future__ import annotations

import torch
from torch import Tensor

_NEVER = -1e4


def kept(worth: Tensor, bits: Tensor, budget: Tensor) -> tuple[Tensor, Tensor]:
    """Return which elements a hard cut keeps, and the worth at which it cuts.

    Parameters
    ----------
    worth : (B, n) tensor
        Logarithms of what elements are ranked by; of equal ones the first goes first.
    bits : (B, n) tensor
        Prices, not negative.
    budget : (B,) tensor
        Bits that may be spent.

    Returns
    -------
    (B, n) bool tensor, (B, 1) tensor
        The edge lies half way between the last that is kept and the first that is not.
    """
    order = torch.argsort(worth, dim=1, descending=True, stable=True)
    spent = torch.gather(bits, 1, order).cumsum(1)
    inside = spent <= budget[:, None]
    count = inside.sum(1, keepdim=True)
    last = torch.gather(order, 1, (count - 1).clamp(min=0))
    first = torch.gather(order, 1, count.clamp(max=worth.shape[1] - 1))
    edge = (torch.gather(worth, 1, last) + torch.gather(worth, 1, first)) / 2
    mask = torch.zeros_like(inside).scatter(1, order, inside)
    # With everything kept there is no edge; the least worthy stand well above it.
    edge = torch.where(count == worth.shape[1], edge - 1.0, edge)
    return mask, edge


def cut(worth: Tensor, bits: Tensor, budget: Tensor, temperature: float = 0.5) -> Tensor:
    """Return the mask of survivors, 0 or 1, with a gradient.

    Parameters
    ----------
    worth, bits, budget
        See `kept`; the gradient goes to `worth`.
    temperature : float
        Width of the edge in units of `worth`.

    Returns
    -------
    (B, n) tensor
    """
    worth = worth.clamp(min=_NEVER)
    with torch.no_grad():
        mask, edge = kept(worth, bits, budget)
        slope = torch.sigmoid((worth - edge) / temperature)
        weight = bits * slope * (1 - slope)
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-12)
        hard = mask.to(worth.dtype)
    # The edge moves with what stands at it: d edge = sum(weight d worth) keeps the bits spent.
    moving = (weight * worth).sum(1, keepdim=True)
    moved = edge + moving - moving.detach()
    soft = torch.sigmoid((worth - moved) / temperature)
    return hard + (soft - soft.detach())
