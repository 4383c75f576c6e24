"""The search encoder: tiles first, then maps where they pay, then what the decoder will see.

Domains are found in the original, but judged in the picture that tiles alone would decode to
at the same step, and the levels are chosen again against the decoded domains in the end
(a closed loop): a collage of originals promises more than the attractor keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared import color, entropy
from ...shared.codec import Image, Progress, Proposal
from ...shared.entropy import COST, Tables
from ...shared.tiles import cosine, encoder, rdo, synthesis
from ...shared.tiles.deblock import USUAL
from ...shared.tiles.elements import drop_details, errors, peaks
from ...shared.tiles.encoder import Choice, Spectra, in_steps, pad, roles_of, transform
from ...shared.tiles.packets import HEADER, header_bytes, split_packets
from ...shared.tiles.stream import NEUTRAL_CHROMA, STEPS, TileSet, component_steps
from ...shared.tiles.syntax import (
    CELL_LOG,
    COMP,
    FRACTION_BITS,
    GRADE,
    LEFT,
    LOG,
    REACH,
    START,
    TOP,
)
from .coding import FLAG_AT, MAX_SCALE, NEAR, NEAR_AT, SCALE_AT, domains, far, window
from .format import PURE, Written, initial_tables, smallest_mapped, write
from .pyramid import attract
from .search import Shortlist, decimate, domain_blocks, shortlist

FloatArray = npt.NDArray[np.float32]
LAMBDA = encoder.LAMBDA
_SWEEPS = 2


@dataclass(frozen=True)
class Analysis:
    """What does not depend on the step.

    Parameters
    ----------
    spectra : Spectra
    shortlists : list by component of dict by size
    pure : bool
    """

    spectra: Spectra
    shortlists: list[dict[int, Shortlist]]
    pure: bool


@dataclass
class State:
    """What `write` needs of a proposal."""

    step: int
    tiles: TileSet
    maps: npt.NDArray[np.int32]
    details: npt.NDArray[np.intp]
    mapped: npt.NDArray[np.intp]
    pure: bool


def analyze(image: Image, *, pure: bool, progress: Progress | None = None) -> Analysis:
    """Transform the image and search its domains."""
    planes = color.to_components(image)
    height, width = planes[0].shape
    smallest = smallest_mapped(len(planes), pure=pure)
    jobs = [(c, log) for c in range(len(planes)) for log in range(6, int(smallest[c]) - 1, -1)]
    lists: list[dict[int, Shortlist]] = [{} for _ in planes]
    for done, (comp, log) in enumerate(jobs):
        found = shortlist(pad(planes[comp]), height, width, log)
        if found is not None:
            lists[comp][log] = found
        if progress:
            progress(0.3 * (done + 1) / len(jobs))
    return Analysis(transform(planes), lists, pure)


@dataclass(frozen=True)
class _MapPrices:
    """Bits of maps by role and size, float64."""

    flag: npt.NDArray[np.float64]
    near: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def of(cls, probability: npt.NDArray[np.int32]) -> _MapPrices:
        def bits(first: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
            p = probability[first : first + int(np.prod(shape))].astype(np.int64).reshape(shape)
            return np.stack([COST[(65536 - p) >> 4], COST[p >> 4]], -1)

        unary = bits(SCALE_AT[0], (2, 5, 8))
        more = np.cumsum(unary[:, :, 1:, 1], -1)
        more = np.concatenate([np.zeros_like(more[..., :1]), more], -1)
        stop = np.concatenate([unary[:, :, 1:, 0], np.zeros_like(more[..., :1])], -1)
        return cls(bits(FLAG_AT[0], (2, 5, 4)), bits(NEAR_AT[0], (2, 5)), 1.0 + more + stop)


def _place_bits(
    found: Shortlist, log: int, height: int, width: int, near: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Bits of the place of every shortlisted domain, (rows, columns, k)."""
    rows, columns = found.places.shape[:2]
    total, inside = [], []
    for axis, (count, grid) in enumerate(
        ((domains(height, log), rows), (domains(width, log), columns))
    ):
        spans = np.array([[window(i, count, r) for r in (NEAR, far(log))] for i in range(grid)])
        shape = (rows, 1, 1) if axis == 0 else (1, columns, 1)
        place = found.places[..., axis]
        low, high = (spans[:, 0, e].reshape(shape) for e in (0, 1))
        inside.append((place >= low) & (place < high))
        width_of = np.log2(np.maximum(spans[..., 1] - spans[..., 0], 1))
        total.append([width_of[:, r].reshape(shape) for r in (0, 1)])
    close = inside[0] & inside[1]
    near_bits, far_bits = (near[1 - r] + total[0][r] + total[1][r] for r in (0, 1))
    out: npt.NDArray[np.float64] = np.where(close, near_bits, far_bits)
    return out


def _with_maps(
    candidates: rdo.Candidates,
    ratios: list[FloatArray],
    lists: dict[int, Shortlist],
    picture: FloatArray,
    role: int,
    lmbda: float,
    step: float,
    prices: rdo.Prices,
    map_prices: _MapPrices,
    size: tuple[int, int],
    pure: bool,
) -> dict[int, npt.NDArray[np.int32]]:
    """Give tiles a map where that lowers their cost, in place.

    Parameters
    ----------
    candidates, ratios
        Of one component, without maps.
    picture : (H', W') float32
        Where domains are judged.

    Returns
    -------
    dict by size of (rows, columns, 3) int32
        Scale in quarters and the domain's corner.
    """
    out = {}
    half = decimate(picture)
    for log, found in lists.items():
        k, side = log - CELL_LOG, 1 << log
        rows, columns, count = found.places.shape[:3]
        maps = np.zeros((rows, columns, 3), np.int32)
        place_bits = _place_bits(found, log, *size, map_prices.near[role, k])
        flag = map_prices.flag[role, k]
        best = candidates.costs[k] + lmbda * flag[np.minimum(candidates.grades[k], 3), 0]
        plain = ratios[k].copy()
        for c in range(count):
            places = found.places[:, :, c]
            blocks = domain_blocks(half, log, places[..., 0], places[..., 1])
            domain = cosine.forward_blocks(blocks, log).reshape(rows, columns, -1) * np.float32(
                1 / step
            )
            domain[..., 0] = 0.0
            power = np.maximum((domain * domain).sum(-1), 1e-6)
            scale = (plain * domain).sum(-1) / power
            quarters = np.clip(np.rint(4 * scale), -MAX_SCALE, MAX_SCALE).astype(np.int32)
            quarters[quarters == 0] = 1
            rest = plain - (quarters / 4).astype(np.float32)[..., None] * domain
            tried = rdo.quantize([*([_EMPTY] * k), rest], role, lmbda, prices, *size, plain=pure)
            bits = place_bits[..., c] + map_prices.scale[role, k][np.abs(quarters) - 1]
            bits = bits + flag[np.minimum(tried.grades[k], 3), 1]
            cost = tried.costs[k] + np.float32(lmbda) * bits.astype(np.float32)
            wins = cost < best
            best = np.where(wins, cost, best)
            pairs: Iterator[tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]] = zip(
                (candidates.levels, candidates.means, candidates.reaches, candidates.grades),
                (tried.levels, tried.means, tried.reaches, tried.grades),
                strict=True,
            )
            for old, new in pairs:
                old[k][wins] = new[k][wins]
            ratios[k][wins] = rest[wins]
            maps[wins, 0] = quarters[wins]
            maps[wins, 1:] = places[wins] * side
        candidates.costs[k] = best.astype(np.float32)
        out[log] = maps
    return out


_UNIT = np.float32(1 << FRACTION_BITS)
_EMPTY = np.zeros((0, 0, 0), np.float32)


def _gather(tiles: TileSet, found: list[dict[int, npt.NDArray[np.int32]]]) -> npt.NDArray[np.int32]:
    """Maps of the leaves, (n, 3) int32."""
    leaves = tiles.leaves
    maps = np.zeros((len(leaves), 3), np.int32)
    for comp, by_size in enumerate(found):
        for log, table in by_size.items():
            mine = (leaves[:, COMP] == comp) & (leaves[:, LOG] == log)
            maps[mine] = table[leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log]
    return maps


def decode_planes(tiles: TileSet, maps: npt.NDArray[np.int32]) -> list[list[npt.NDArray[np.int32]]]:
    """Decode without deblocking: the pyramid of each component."""
    planes = synthesis.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    mapped = maps[:, 0] != 0
    out = []
    for comp in range(len(planes)):
        mine = mapped & (tiles.leaves[:, COMP] == comp)
        out.append(attract(np, planes[comp], tiles.leaves[mine], maps[mine]))
    return out


def _refit(
    analysis: Analysis,
    tiles: TileSet,
    maps: npt.NDArray[np.int32],
    flat: FloatArray,
    lmbda: float,
    prices: rdo.Prices,
) -> None:
    """Choose scale and levels of mapped leaves again, against the decoded domains, in place."""
    geometry = analysis.spectra.geometry
    pyramids = decode_planes(tiles, maps)
    leaves, roles = tiles.leaves, roles_of(geometry.channels)
    for comp, by_size in enumerate(analysis.shortlists):
        half = pyramids[comp][1].astype(np.float32) / _UNIT
        step = float(tiles.steps[comp]) / 65536.0
        for log in by_size:
            mine = np.nonzero(
                (maps[:, 0] != 0) & (leaves[:, COMP] == comp) & (leaves[:, LOG] == log)
            )[0]
            if not len(mine):
                continue
            k = log - CELL_LOG
            blocks = domain_blocks(half, log, maps[mine, 1] >> log, maps[mine, 2] >> log)
            domain = cosine.forward_blocks(blocks, log).reshape(len(mine), -1)
            domain *= np.float32(1 / step)
            domain[:, 0] = 0.0
            source = analysis.spectra.coefficients[comp][k]
            goal = source[leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log].reshape(
                len(mine), -1
            )
            goal = goal * np.float32(1 / step)
            if analysis.pure:
                power = np.maximum((domain * domain).sum(1), 1e-6)
                quarters = np.rint(4 * (goal * domain).sum(1) / power)
                quarters = np.clip(quarters, -MAX_SCALE, MAX_SCALE).astype(np.int32)
                maps[mine, 0] = np.where(quarters == 0, maps[mine, 0], quarters)
            rest = goal - (maps[mine, 0] / 4).astype(np.float32)[:, None] * domain
            found = rdo.quantize(
                [*([_EMPTY] * k), rest[None]],
                roles[comp],
                lmbda,
                prices,
                1 << log,
                len(mine) << log,
                plain=analysis.pure,
            )
            leaves[mine, GRADE], leaves[mine, REACH] = found.grades[k][0], found.reaches[k][0]
            at = leaves[mine, START, None].astype(np.int64) + np.arange(1 << 2 * log)
            tiles.levels[comp][at] = found.levels[k][0]
            flat[comp][at] = rest


def _cost(
    spectra: Spectra,
    tiles: TileSet,
    maps: npt.NDArray[np.int32],
    written: Written,
    lmbda: float,
) -> float:
    """Lagrangian cost of what the decoder really shows, squared steps."""
    error = 0.0
    for comp, pyramid in enumerate(decode_planes(tiles, maps)):
        plane = pyramid[0].astype(np.float32) / _UNIT
        off = cosine.forward(plane, CELL_LOG) - spectra.coefficients[comp][0]
        error += float((off * off).sum()) / (float(tiles.steps[comp]) / 65536.0) ** 2
    return error + lmbda * sum(written.coder.shares().values())


def choose(
    analysis: Analysis, step: int, tables: Tables, *, lmbda: float = LAMBDA
) -> tuple[TileSet, npt.NDArray[np.int32], FloatArray, Written]:
    """Decide partition, maps and levels at a step."""
    spectra, pure = analysis.spectra, analysis.pure
    geometry = spectra.geometry
    if step >= STEPS:
        tiles, flat = encoder.flat_tiles(spectra, STEPS - 1, NEUTRAL_CHROMA, blank=step > STEPS)
        maps = np.zeros((len(tiles.leaves), 3), np.int32)
        return tiles, maps, flat, write(tables, tiles, maps, pure=pure, priced=True)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    size = (geometry.height, geometry.width)
    roles = roles_of(geometry.channels)
    probability = tables.probability
    planes: list[FloatArray] | None = None
    for _ in range(2):
        prices, map_prices = rdo.Prices.of(probability), _MapPrices.of(probability)
        ratios = in_steps(spectra, steps)
        candidates = [
            rdo.quantize(blocks, role, lmbda, prices, *size, plain=pure)
            for blocks, role in zip(ratios, roles, strict=True)
        ]
        found: list[dict[int, npt.NDArray[np.int32]]] = [{} for _ in ratios]
        if planes is not None:
            found = [
                _with_maps(
                    candidates[c], ratios[c], lists, planes[c], roles[c], lmbda,
                    float(steps[c]) / 65536.0, prices, map_prices, size, pure,
                )
                for c, lists in enumerate(analysis.shortlists)
            ]  # fmt: skip
        tiles, flat = encoder.assemble(geometry, steps, candidates, ratios, prices, lmbda)
        maps = _gather(tiles, found)
        written = write(tables, tiles, maps, pure=pure, priced=True)
        probability = written.coder.probability
        planes = [pyramid[0].astype(np.float32) / _UNIT for pyramid in decode_planes(tiles, maps)]
    prices = rdo.Prices.of(probability)
    if (maps[:, 0] != 0).any():
        for _ in range(_SWEEPS):
            _refit(analysis, tiles, maps, flat, lmbda, prices)
        tiles = TileSet.blank(geometry, steps, tiles.leaves, tiles.levels)
        written = write(tables, tiles, maps, pure=pure, priced=True)
    if not pure:
        rdo.drop_dear(tiles.leaves, tiles.levels, flat, written.prices, np.float32(lmbda))
    tiles = TileSet.blank(geometry, steps, tiles.leaves, tiles.levels)
    written = write(tables, tiles, maps, pure=pure, priced=True)
    if not pure:
        # A collage may promise more than the attractor keeps: then tiles alone are better.
        plain = encoder.choose(spectra, step, NEUTRAL_CHROMA, tables, lmbda=lmbda)
        none = np.zeros((len(plain.tiles.leaves), 3), np.int32)
        alone = TileSet.blank(geometry, steps, plain.tiles.leaves, plain.tiles.levels)
        without = write(tables, alone, none, pure=pure, priced=True)
        if _cost(spectra, alone, none, without, lmbda) < _cost(
            spectra, tiles, maps, written, lmbda
        ):
            return alone, none, plain.ratios, without
    return tiles, maps, flat, written


def propose(analysis: Analysis, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Choose at `step`; elements are the details and the maps of the leaves."""
    tiles, maps, flat, written = choose(analysis, step, initial_tables(), lmbda=lmbda)
    choice = Choice(tiles, flat, written.prices, written.spent, written.coder)
    leaves = tiles.leaves
    details, mapped = np.nonzero(leaves[:, GRADE])[0], np.nonzero(maps[:, 0])[0]
    shares = written.coder.shares()
    fixed = shares["partition"] + shares["means"] + 8.0 * HEADER
    bits = np.concatenate([written.spent[details] + 4.0, written.map_bits[mapped]])
    bits *= (sum(shares.values()) + 8.0 * HEADER - fixed) / max(bits.sum(), 1e-9)
    gain, residual = errors(choice)
    height = peaks(choice)
    # A map carries its leaf: losing it costs more than the leaf's own levels are worth.
    steps = tiles.steps[leaves[mapped, COMP]] / 65536.0
    side = (1 << leaves[mapped, LOG]).astype(np.float64)
    map_height = np.maximum(height[mapped], 2.0 * steps / side) + steps
    map_gain = gain[mapped] + 0.2 * written.map_bits[mapped] * steps**2
    return Proposal(
        step=step,
        contrast=np.concatenate([height[details], map_height]),
        area=np.concatenate([(1 << 2 * leaves[details, LOG]).astype(np.float64), side**2]),
        gain=np.concatenate([gain[details], map_gain]),
        bits=bits,
        residual=residual,
        overhead_bits=fixed,
        state=State(min(step, STEPS - 1), tiles, maps, details, mapped, analysis.pure),
    )


def write_packets(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the leaves, and of details and maps those kept; a map takes its detail along."""
    count = len(state.details)
    lost_maps = state.mapped[~keep[count:]]
    dropped = np.union1d(state.details[~keep[:count]], lost_maps)
    tiles = drop_details(state.tiles, dropped)
    maps = state.maps.copy()
    maps[lost_maps] = 0
    written = write(initial_tables(), tiles, maps, pure=state.pure)
    payload = entropy.finish_encoder(written.coder.rc, written.coder.buf)
    head = bytearray(header_bytes(state.step, NEUTRAL_CHROMA, USUAL))
    head[1] |= (PURE if state.pure else 0) << 6
    return split_packets(bytes(head), payload, written.first, written.marks)
