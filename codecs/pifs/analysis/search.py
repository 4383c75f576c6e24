"""The search encoder: tiles first, then maps where they pay, then what the decoder will see.

Domains are found in the original, but judged in the picture that tiles alone would decode to
at the same step, and again in the one that tiles and maps gave before. In the end maps that
keep less than they promised go, and the levels (in the pure profile the scales) are chosen again
against the decoded domains, as long as the picture gets better: a collage of originals promises
more than the attractor keeps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Image, Progress, Proposal
from ....shared.entropy import Tables
from ....shared.error.importance import Importance
from ....shared.picture import color
from ....shared.tiles.analysis import encoder, rdo
from ....shared.tiles.analysis.elements import drop_details, errors, missed, peaks, unit_error
from ....shared.tiles.analysis.encoder import Choice
from ....shared.tiles.analysis.palette import painted
from ....shared.tiles.analysis.postfilter import postfilter_of
from ....shared.tiles.analysis.screen import screen_of
from ....shared.tiles.analysis.spectra import in_steps, pad, roles_of, transform
from ....shared.tiles.analysis.weights import EQUAL, tile_energy
from ....shared.tiles.format.packets import HEADER, header_bytes, split_packets
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, TileSet, component_steps
from ....shared.tiles.format.syntax import CELL, CELL_LOG, COMP, GRADE, LEFT, LOG, TOP
from ....shared.tiles.synthesis import dct, reconstruction
from ..format.stream import PURE, SECOND, Written, initial_tables, smallest_mapped, write
from . import quick
from .domains import Shortlist, decimate, shortlist, shortlist_of
from .maps import Ground, add_maps, gather, prune, refit
from .preview import UNIT, decode_planes, seen
from .prices import MapPrices
from .state import Analysis, State

FloatArray = npt.NDArray[np.float32]
LAMBDA = encoder.LAMBDA
_PASSES, _SWEEPS = 3, 5


def analyze(
    image: Image,
    *,
    pure: bool,
    asked: tuple[Importance, dict[int, npt.NDArray[np.int64]]] | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Transform the image and search its domains.

    Parameters
    ----------
    image : (H, W, C) uint8
    pure : bool
    asked : (Importance, dict by logarithm of the side of (n, 2) int64), optional
        What squared errors count for, and leaves that domains are searched for, quickly. If
        not given, errors count the same, and domains of all leaves are searched for exactly.
    progress : callable, optional
    """
    planes = color.to_components(image)
    height, width = planes[0].shape
    padded = [pad(plane) for plane in planes]
    lists: list[dict[int, Shortlist]] = [{} for _ in planes]
    if asked is not None:
        importance, promising = asked
        for log, leaves in promising.items():
            some = shortlist_of(padded[0], height, width, log, leaves)
            if some is not None:
                lists[0][log] = some
        spectra = transform(planes, importance, screen_of(image))
        return Analysis(spectra, padded, lists, pure, quick=True)
    smallest = smallest_mapped(len(planes), pure=pure)
    roles = roles_of(len(planes))
    jobs = [(c, log) for c in range(len(planes)) for log in range(6, int(smallest[c]) - 1, -1)]
    for done, (comp, log) in enumerate(jobs):
        # Colour resembles itself where brightness does: its domains are not searched.
        found = lists[0].get(log) if roles[comp] else shortlist(padded[comp], height, width, log)
        if found is not None:
            lists[comp][log] = found
        if progress:
            progress(0.3 * (done + 1) / len(jobs))
    return Analysis(transform(planes, None, screen_of(image)), padded, lists, pure)


def _cost(
    analysis: Analysis,
    seen: list[FloatArray],
    tiles: TileSet,
    written: Written,
    lmbda: float,
) -> float:
    """Lagrangian cost of what the decoder really shows, squared steps."""
    error, spectra = 0.0, analysis.spectra
    # Only what is seen: what lies outside, leaves of one size cover and of another do not.
    size = (spectra.geometry.height, spectra.geometry.width)
    inside = tuple(slice(-(-n // CELL) * CELL) for n in size)
    for comp, (plane, wanted) in enumerate(zip(seen, analysis.planes, strict=True)):
        off = plane[inside] - wanted[inside]
        if tiles.palette is not None:
            hidden = np.repeat(tiles.palette.hidden(CELL_LOG), CELL, 0)
            off[np.repeat(hidden, CELL, 1)[inside]] = 0.0
        error += spectra.energy(comp, off) / (float(tiles.steps[comp]) / 65536.0) ** 2
    return error + lmbda * sum(written.coder.shares().values())


def choose(
    analysis: Analysis,
    step: int,
    tables: Tables,
    *,
    lmbda: float = LAMBDA,
    compare: bool = True,
) -> tuple[TileSet, npt.NDArray[np.int32], FloatArray, Written]:
    """Decide partition, maps and levels at a step.

    With `compare`, tiles alone are taken where they are better.
    """
    spectra, pure = analysis.spectra, analysis.pure
    geometry = spectra.geometry
    if step >= STEPS:
        tiles, flat = encoder.flat_tiles(spectra, STEPS - 1, NEUTRAL_CHROMA, blank=step > STEPS)
        maps = np.zeros((len(tiles.leaves), 3), np.int32)
        return tiles, maps, flat, write(tables, tiles, maps, pure=pure, priced=True)
    if analysis.quick:
        return quick.choose(analysis, step, tables, lmbda=lmbda)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    size = (geometry.height, geometry.width)
    roles = roles_of(geometry.channels)
    probability, given = tables.probability, lmbda
    lmbda = spectra.multiplier(lmbda, steps)

    def ground(planes: list[FloatArray]) -> list[Ground]:
        """What maps are judged by, the decoded picture being `planes`."""
        prices, map_prices = rdo.Prices.of(probability), MapPrices.of(probability)
        return [
            Ground(
                analysis.planes[c], decimate(planes[c]), size, roles[c], float(steps[c]) / 65536.0,
                lmbda, pure, prices, map_prices, spectra.weights_by(roles[c]),
            )
            for c in range(len(planes))
        ]  # fmt: skip

    plain = None
    if pure:
        # Flat leaves are no picture to judge domains in: the original is closer to the end.
        planes = analysis.planes
    else:
        plain = encoder.choose(spectra, step, NEUTRAL_CHROMA, tables, lmbda=given)
        probability = plain.coder.probability
        none = np.zeros((len(plain.tiles.leaves), 3), np.int32)
        planes = seen(plain.tiles, none)
    for _ in range(_PASSES):
        prices = rdo.Prices.of(probability)
        ratios = in_steps(spectra, steps)
        candidates = [
            rdo.quantize(
                blocks, role, lmbda, prices, *size, plain=pure, weights=spectra.weights_by(role)
            )
            for blocks, role in zip(ratios, roles, strict=True)
        ]
        found = [
            add_maps(by, candidates[c], ratios[c], analysis.shortlists[c])
            for c, by in enumerate(ground(planes))
        ]
        tiles, flat = encoder.assemble(
            geometry, steps, candidates, ratios, prices, lmbda, palette=spectra.palette
        )
        maps = gather(tiles, found)
        written = write(tables, tiles, maps, pure=pure, priced=True)
        probability = written.coder.probability
        planes = seen(tiles, maps)
    best = (np.inf, tiles, maps, flat, written)
    for sweep in range(_SWEEPS + 1 if (maps[:, 0] != 0).any() else 0):
        cost = _cost(analysis, planes, tiles, written, lmbda)
        if cost < best[0]:
            best = (cost, tiles, maps.copy(), flat.copy(), written)
        if sweep == _SWEEPS:
            break
        if sweep == 0:
            prune(ground(planes), planes, tiles, maps, flat, spectra.coefficients, written)
        else:
            refit(ground(planes), tiles, maps, flat, spectra.coefficients)
        tiles = tiles.emptied(tiles.leaves.copy(), tiles.levels.copy())
        written = write(tables, tiles, maps, pure=pure, priced=True)
        probability = written.coder.probability
        planes = seen(tiles, maps)
    _, tiles, maps, flat, written = best
    if plain is None:
        return tiles, maps, flat, written
    weights = spectra.of_leaves(tiles.leaves)
    rdo.drop_dear(tiles.leaves, weights, tiles.levels, flat, written.prices, np.float32(lmbda))
    tiles = tiles.emptied()
    written = write(tables, tiles, maps, pure=pure, priced=True)
    if compare:
        # A collage may promise more than the attractor keeps: then tiles alone are better.
        alone = plain.tiles.emptied()
        without = write(tables, alone, none, pure=pure, priced=True)
        costs = [
            _cost(analysis, seen(*shown), shown[0], by, lmbda)
            for shown, by in (((alone, none), without), ((tiles, maps), written))
        ]
        if costs[0] < costs[1]:
            return alone, none, plain.ratios, without
    return tiles, maps, flat, written


def _behind_palettes(analysis: Analysis, step: int, lmbda: float) -> Analysis:
    """Choose palette blocks; what is left to do is the picture that continues behind them."""
    if analysis.pure:
        return analysis
    spectra = painted(analysis.spectra, step, initial_tables(pure=False), lmbda=lmbda)
    if spectra.palette is None:
        return analysis
    return replace(analysis, spectra=spectra, planes=[pad(plane) for plane in spectra.planes])


def _leaf_errors(
    analysis: Analysis, tiles: TileSet, maps: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Squared error of leaves as decoded, and as means alone, squared steps, (n,) float64."""
    leaves, every = tiles.leaves, analysis.spectra.of_leaves(tiles.leaves)
    left, energy = np.zeros(len(leaves)), np.zeros(len(leaves))
    means = reconstruction.render(np, tiles, np.zeros(len(leaves), np.bool_))
    pairs = enumerate(zip(seen(tiles, maps), means, analysis.planes, strict=True))
    for comp, (decoded, mean, plane) in pairs:
        scale = (65536.0 / float(tiles.steps[comp])) ** 2
        for log in range(CELL_LOG, 7):
            mine = np.nonzero((leaves[:, COMP] == comp) & (leaves[:, LOG] == log))[0]
            at = leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log
            weights = every if every is EQUAL else every[mine]
            for shown, out in ((decoded, left), (mean.astype(np.float32) / UNIT, energy)):
                off = dct.to_tiles(shown - plane, log)[at]
                out[mine] = tile_energy(off, weights, log) * scale
    if tiles.palette is not None:
        hidden = tiles.palette.hides(leaves)
        left[hidden], energy[hidden] = 0.0, 0.0
    return left, energy


def propose(analysis: Analysis, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Choose at `step`; elements are the details and the maps of the leaves."""
    analysis = _behind_palettes(analysis, step, lmbda)
    tiles, maps, flat, written = choose(
        analysis, step, initial_tables(pure=analysis.pure), lmbda=lmbda
    )
    leaves, spectra = tiles.leaves, analysis.spectra
    weights = None if spectra.weights is None else spectra.of_leaves(leaves)
    encoder.settle(tiles, flat)
    choice = Choice(
        tiles, flat, written.prices, written.spent, written.coder, weights, spectra.missed
    )
    details, mapped = np.nonzero(leaves[:, GRADE])[0], np.nonzero(maps[:, 0])[0]
    shares = written.coder.shares()
    fixed = shares["partition"] + shares["means"] + shares["palettes"] + 8.0 * HEADER
    bits = np.concatenate([written.spent[details] + 4.0, written.map_bits[mapped]])
    bits *= (sum(shares.values()) + 8.0 * HEADER - fixed) / max(bits.sum(), 1e-9)
    gain, residual = errors(choice)
    height, unit, map_gain = peaks(choice), unit_error(choice), np.zeros(0)
    if len(mapped) or not analysis.quick:
        left, energy = _leaf_errors(analysis, tiles, maps)
        map_gain = np.maximum(energy - left, 0.0)[mapped]
        gain = np.minimum(gain, (energy - left) * unit)
        residual = (float(left.sum()) + missed(choice)) * unit
    # A map carries its leaf: losing it costs more than the leaf's own levels are worth.
    steps = tiles.steps[leaves[mapped, COMP]] / 65536.0
    side = (1 << leaves[mapped, LOG]).astype(np.float64)
    map_height = np.maximum(height[mapped], 2.0 * steps * np.sqrt(map_gain) / side) + steps
    # Others read what it showed: without levels that mend it they lose as much again.
    map_gain *= (2.0 if analysis.pure else 1.0) * unit
    return Proposal(
        step=step,
        contrast=np.concatenate([height[details], map_height]),
        area=np.concatenate([(1 << 2 * leaves[details, LOG]).astype(np.float64), side**2]),
        gain=np.concatenate([gain[details], map_gain]),
        bits=bits,
        residual=residual,
        overhead_bits=fixed,
        state=State(
            min(step, STEPS - 1),
            tiles,
            maps,
            details,
            mapped,
            analysis.pure,
            written.coder.probability,
            postfilter_of(
                tiles, spectra.luma, np.stack([p[0] for p in decode_planes(tiles, maps)])
            ),
        ),
        looked=analysis.spectra.count,
    )


def write_packets(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the leaves, and of details and maps those kept; a map takes its detail along."""
    count = len(state.details)
    lost_maps = state.mapped[~keep[count:]]
    dropped = np.union1d(state.details[~keep[:count]], lost_maps)
    tiles = drop_details(state.tiles, dropped)
    maps = state.maps.copy()
    maps[lost_maps] = 0
    written = write(initial_tables(pure=state.pure), tiles, maps, pure=state.pure)
    payload = entropy.finish(written.coder.state)
    head = bytearray(header_bytes(state.step, NEUTRAL_CHROMA, state.postfilter))
    head[1] |= (SECOND | (PURE if state.pure else 0)) << 6
    return split_packets(bytes(head), payload, written.first, written.marks)
