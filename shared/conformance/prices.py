"""Whether proposals are whole, and what their prices are worth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..budget import RANKS, select
from ..codec import Codec, Proposal
from .support import expect, sample_picture

FACTOR = 1.5
"""Prices of a whole proposal may be too high or too low by this, and by `_SLACK` beside it."""
FACTOR_OF_PARTS = 2.5
"""The same of a part: an element whose neighbours are dropped may cost another number of bits."""
_SLACK = 8 * 16  # bits: what rounding, flushing a coder and a few headers take
_PICTURES = ((48, 64, 3), (96, 128, 1), (72, 56, 4))


def proposals(codec: Codec) -> str:
    """See that proposals are finite, priced, and cheaper when coarser."""
    image = sample_picture(48, 64, 3)
    analysis = codec.analyze(image, encoder="search", effort=1)
    previous = math.inf
    for step in (codec.steps // 3, codec.steps // 2, codec.steps - 1):
        proposal: Proposal = codec.propose(analysis, step)
        n = len(proposal)
        for field in ("contrast", "area", "gain", "bits"):
            values: npt.NDArray[np.float64] = getattr(proposal, field)
            expect(values.shape == (n,), f"{field} has shape {values.shape}, not ({n},)")
            expect(bool(np.isfinite(values).all()), f"{field} is not finite at step {step}")
        expect(bool((proposal.bits > 0).all()), f"an element is free at step {step}")
        expect(proposal.residual >= 0, f"residual is negative at step {step}")
        size = proposal.overhead_bits + float(proposal.bits.sum())
        expect(size <= previous * 1.05 + 64, f"step {step} costs more than a finer one")
        previous = size
        for rank in RANKS:
            kept = select(proposal, proposal.bits.sum() / 2, rank=rank)
            expect(proposal.bits[kept].sum() <= proposal.bits.sum() / 2 + 1e-6, "select overspends")
    return "finite, priced, cheaper when coarser"


def prices(codec: Codec) -> str:
    """Compare what is said with what is written, of all elements and of the best for their price.

    The latter because what is too cheap would be kept before all else.
    """
    compared = 0
    for shape in _PICTURES:
        analysis = codec.analyze(sample_picture(*shape), encoder="search", effort=1)
        for step in np.unique(np.linspace(0, codec.steps - 1, 7).round().astype(int)):
            proposal = codec.propose(analysis, int(step))
            n = len(proposal)
            order = np.argsort(-proposal.gain / proposal.bits, kind="stable")
            for kept in sorted({0, n // 4, n // 2, n}):
                keep = np.zeros(n, np.bool_)
                keep[order[:kept]] = True
                said = proposal.overhead_bits + float(proposal.bits[keep].sum())
                spent = 8.0 * sum(len(packet) for packet in codec.write(proposal, keep))
                factor = FACTOR if kept == n else FACTOR_OF_PARTS
                expect(
                    spent <= factor * said + _SLACK and said <= factor * spent + _SLACK,
                    f"step {step} of {shape[0]}x{shape[1]}x{shape[2]}, {kept} of {n} elements: "
                    f"priced at {said / 8:.0f} bytes, written as {spent / 8:.0f}; prices keep "
                    f"within a factor of {factor} and {_SLACK // 8} bytes",
                )
                compared += 1
    return (
        f"{compared} files within a factor of {FACTOR} of their price, parts of {FACTOR_OF_PARTS}"
    )
