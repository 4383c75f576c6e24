"""Importance in the tiles encoder, the float twin of tiles, and the quick encoder of pifs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from fractour.codecs.pifs.analysis import domains
from fractour.codecs.pifs.analysis import search as pifs
from fractour.codecs.tiles import analysis as tiles
from fractour.shared.error.importance import GRID, OCTAVES, ROLES, Importance
from fractour.shared.picture import color
from fractour.shared.registry import get_codec
from fractour.shared.tiles.analysis import encoder
from fractour.shared.tiles.analysis import spectra as spectral
from fractour.shared.tiles.analysis.weights import (
    EQUAL,
    OCTAVE_OF,
    leaf_gains,
    tile_energy,
    weights_of,
)
from fractour.shared.tiles.format.stream import padded
from fractour.shared.tiles.format.syntax import COMP, LEFT, LOG
from fractour.shared.tiles.synthesis import dct


def scene(height: int, width: int, channels: int = 3) -> np.ndarray:
    """A picture with slopes, edges and noise, (H, W, C) uint8."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:height, :width]
    base = 110 + 50 * np.sin(x / 13) + 40 * np.cos(y / 9) + 40 * ((x // 24 + y // 20) % 2)
    planes = [base + 15 * np.sin((x + y) / (5 + c)) for c in range(channels)]
    noisy = np.stack(planes, -1) + rng.normal(0, 5, (height, width, channels))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def flat(height: int, width: int) -> Importance:
    shape = (ROLES, OCTAVES, -(-height // GRID), -(-width // GRID))
    return Importance(np.zeros(shape, np.float32))


def everywhere(height: int, width: int) -> dict[int, npt.NDArray[np.int64]]:
    return {log: np.argwhere(np.ones((height >> log, width >> log))) for log in (3, 4)}


@pytest.mark.parametrize("name", ["tiles", "pifs"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_importance_of_one_changes_nothing(name: str, channels: int) -> None:
    codec, image = get_codec(name), scene(90, 130, channels)
    plain = codec.analyze(image, encoder="search", effort=5)
    ones = flat(90, 130)
    if name == "tiles":
        weighted = plain.reweighted(ones)
    else:
        weighted = pifs.analyze(image, pure=False, asked=(ones, everywhere(90, 130)))
        plain = replace(weighted, spectra=replace(weighted.spectra, importance=None, weights=None))
    for step in (120, 200):
        files = []
        for analysis in (plain, weighted):
            proposal = codec.propose(analysis, step)
            every = np.ones(len(proposal), np.bool_)
            files.append((codec.write(proposal, every), proposal))
        assert files[0][0] == files[1][0]
        first, second = files[0][1], files[1][1]
        assert np.allclose(first.gain, second.gain, rtol=1e-3, atol=1e-2)
        assert np.allclose(first.contrast, second.contrast, rtol=1e-4)
        assert first.residual == pytest.approx(second.residual, rel=1e-3)


@pytest.mark.parametrize("name", ["tiles", "pifs"])
def test_the_half_that_counts_more_gets_more_bits(name: str) -> None:
    image = scene(128, 64)
    image = np.concatenate([image, image[:, ::-1]], 1)
    raised = flat(128, 128).logarithms.copy()
    raised[..., 4:] = 1.5
    importance = Importance(raised)
    if name == "tiles":
        spectra = spectral.transform(color.to_components(image), importance)
        found = tiles.propose(spectra, 170).state.choice
        leaves, spent = found.tiles.leaves, found.spent
    else:
        analysis = pifs.analyze(image, pure=False, asked=(importance, everywhere(128, 128)))
        chosen, _, _, written = pifs.choose(analysis, 170, pifs.initial_tables(pure=False))
        leaves, spent = chosen.leaves, written.spent
    right = leaves[:, LEFT] >= 64
    assert spent[right].sum() > 1.15 * spent[~right].sum()


def test_octaves_follow_the_larger_frequency() -> None:
    # Of a side of 8: index 4 is 1/4 cycle a pixel, 2 is 1/8, 1 is 1/16.
    assert OCTAVE_OF[3, :8].tolist() == [3, 2, 1, 1, 0, 0, 0, 0]
    assert OCTAVE_OF[2, :4].tolist() == [2, 1, 0, 0]
    assert OCTAVE_OF[6, [1, 2, 4, 32, 63]].tolist() == [OCTAVES - 1, OCTAVES - 1, 3, 0, 0]


def test_weights_of_large_tiles_are_means_over_cells() -> None:
    rng = np.random.default_rng(0)
    importance = Importance(rng.normal(0, 1, (ROLES, OCTAVES, 8, 8)).astype(np.float32))
    weights = weights_of(importance, 128, 128)
    assert [len(part) for part in weights[0]] == [1024, 256, 64, 16, 4]
    assert np.allclose(np.log(weights[1][2][:, 3]), importance.logarithms[1, 3].ravel(), atol=1e-5)
    block = importance.logarithms[0, 1, :4, 4:].mean()
    assert np.log(weights[0][4][1, 1]) == pytest.approx(block, abs=1e-5)


def test_weighted_error_is_the_plain_one_if_all_is_equal() -> None:
    rng = np.random.default_rng(1)
    for log in (2, 4, 6):
        blocks = rng.normal(0, 9, (5, 1 << log, 1 << log)).astype(np.float32)
        ones = np.ones((5, OCTAVES), np.float32)
        assert np.allclose(
            tile_energy(blocks, EQUAL, log), tile_energy(blocks, ones, log), rtol=1e-4
        )


def test_gains_are_weighed_by_octave() -> None:
    leaf = np.zeros((1, 10), np.int32)
    leaf[0, LOG], leaf[0, COMP] = 3, 0
    leaf[0, 5:7] = 2, 14
    levels, ratios = np.zeros((1, 64), np.int16), np.zeros((1, 64), np.float32)
    levels[0, 1], ratios[0, 1] = 2, 2.25
    levels[0, 7 * 8], ratios[0, 7 * 8] = -1, -1.0
    weights = np.array([[3.0, 1.0, 0.5, 1.0, 1.0]], np.float32)
    gain, factor, left = leaf_gains(leaf, levels, ratios, weights)
    removed = 2.25**2 - 0.25**2
    assert gain[0] == pytest.approx(0.5 * removed + 3.0)
    assert factor[0] == pytest.approx(gain[0] / (removed + 1.0))
    assert left == pytest.approx(0.5 * 0.25**2)


def test_a_quick_search_of_small_leaves_is_exact() -> None:
    plane = dct.to_tiles(spectral.pad(scene(128, 128)[..., 0]), 6).swapaxes(1, 2)
    plane = np.ascontiguousarray(plane.reshape(128, 128))
    whole = domains.shortlist(plane, 128, 128, 3)
    assert whole is not None
    some = whole.leaves[[3, 77, 200]]
    quick = domains.shortlist_of(plane, 128, 128, 3, some)
    assert quick is not None
    assert np.array_equal(quick.places, whole.places[[3, 77, 200]])
    assert domains.shortlist_of(plane, 128, 128, 3, some[:0]) is None
    assert domains.shortlist_of(plane, 40, 40, 5, some) is None


def test_the_quick_encoder_maps_only_what_it_was_told() -> None:
    image = np.tile(scene(16, 16, 1), (8, 8, 1))
    only = {3: np.array([[1, 1], [4, 9]]), 4: np.zeros((0, 2), np.int64)}
    analysis = pifs.analyze(image, pure=False, asked=(flat(128, 128), only))
    for step in (120, 160, 256, 257):
        found, maps, _, _ = pifs.choose(analysis, step, pifs.initial_tables(pure=False))
        mapped = found.leaves[maps[:, 0] != 0]
        at = {tuple(row) for row in mapped[:, [LOG, 1, LEFT]].tolist()}
        assert at <= {(3, 8, 8), (3, 32, 72)}


@pytest.mark.parametrize("size", [(64, 128), (96, 32)])
def test_the_twin_inverts_its_transform(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    from fractour.shared.tiles import network as cosines

    plane = torch.randn(2, *size, generator=torch.Generator().manual_seed(0)) * 40
    for log in cosines.LOGS:
        planes = cosines.forward(plane, log)
        assert float(sum((p**2).sum() for p in planes)) == pytest.approx(float((plane**2).sum()))
        assert torch.allclose(cosines.inverse(planes, log), plane, atol=1e-3)
        # The finest octave of a size is the half of its coefficients that the encoder says.
        tile = dct.forward(padded_plane(plane[0].numpy()), log)
        high = tile[..., : 1 << (log - 1), 1 << (log - 1) :]
        rows, columns = size[0] >> log, size[1] >> log
        expected = high[:rows, :columns].swapaxes(1, 2).reshape(size[0] // 2, size[1] // 2)
        assert np.allclose(planes[-3][0].numpy(), expected, atol=1e-3)


def padded_plane(plane: np.ndarray) -> np.ndarray:
    rest = [(0, padded(n) - n) for n in plane.shape]
    return np.pad(plane, rest).astype(np.float32)


def test_the_twin_softens_seams_as_the_decoder_does() -> None:
    torch = pytest.importorskip("torch")
    from fractour.shared.tiles import network as cosines
    from fractour.shared.tiles.format.stream import TileSet
    from fractour.shared.tiles.synthesis import deblocking

    step, sizes = 150, np.array([[0, 1], [2, 0]])
    image = scene(64, 64, 1)
    spectra = spectral.transform(color.to_components(image))
    choice = encoder.choose(spectra, step, 2, tiles.initial_tables())
    picture = choice.tiles
    leaves = []
    owner = np.full((1, 18, 18), -1, np.int32)
    for y, x in np.ndindex(2, 2):
        side = 8 << sizes[y, x]
        for top, left in np.ndindex(32 // side, 32 // side):
            r, c = y * 8 + top * side // 4, x * 8 + left * side // 4
            owner[0, 1 + r : 1 + r + side // 4, 1 + c : 1 + c + side // 4] = len(leaves)
            leaves.append(side)
    logs = np.zeros((1, 18, 18), np.int8)
    logs[owner >= 0] = np.log2(np.array(leaves))[owner[owner >= 0]].astype(np.int8)
    known = TileSet(
        picture.geometry, picture.steps, picture.leaves, picture.levels, logs,
        np.zeros_like(owner), owner,
    )  # fmt: skip
    plane = np.random.default_rng(4).normal(0, 12, (64, 64)).cumsum(1) * 0.3
    shown = deblocking.smooth(np, known, np.rint(plane * 64).astype(np.int32)[None])
    twin = cosines.smooth(
        torch.tensor(plane[None], dtype=torch.float32),
        torch.tensor(sizes)[None],
        torch.tensor([picture.steps[0] / 65536.0], dtype=torch.float32),
    )
    assert np.abs(twin[0].numpy() - shown[0] / 64).max() < 0.1
    assert np.abs(plane - shown[0] / 64).max() > 0.5


def test_the_network_of_tiles_keeps_to_the_budget_and_learns() -> None:
    torch = pytest.importorskip("torch")
    from fractour.codecs.pifs.network.model import MAPPED, PifsNetwork
    from fractour.shared.network.importance import BY_HAND, masked

    torch.manual_seed(0)
    network = PifsNetwork()
    pixels = torch.from_numpy(scene(128, 64).transpose(2, 0, 1)[None].astype(np.float32))
    pictures = pixels.repeat(2, 1, 1, 1)
    bpp = torch.tensor([0.1, 0.5])
    found = network.reconstruct(pictures, bpp)
    assert bool((found.bits <= bpp * 128 * 64).all())
    errors = ((found.pixels - pictures) ** 2).mean((1, 2, 3))
    assert bool(errors[1] < errors[0])
    # The head starts at zero: what is made by hand is all that is said.
    assert found.proposed is not None
    assert torch.equal(found.proposed, BY_HAND * masked(pictures, 8, 4))
    errors.sum().backward()
    assert float(network.head.bias.grad.abs().sum()) > 0
    _, logits = network.look(pixels[..., :100, :40], bpp[:1])
    shapes = [(-(-100 // 32) * 32 >> log, 64 >> log) for log in MAPPED]
    assert [tuple(part.shape[1:]) for part in logits] == shapes


@pytest.mark.parametrize("name", ["tiles", "pifs", "contour"])
def test_a_proposal_nearby_is_as_good_as_one_from_nothing(name: str) -> None:
    codec, image = get_codec(name), scene(128, 128)
    if name == "pifs":
        analysis = pifs.analyze(image, pure=False, asked=(flat(128, 128), everywhere(128, 128)))
    else:
        analysis = codec.analyze(image, encoder="search", effort=1)
    step = 150
    before, direct = codec.propose(analysis, step - 2), codec.propose(analysis, step)
    begun = codec.propose(codec.near(analysis, before), step)
    sizes = [sum(map(len, codec.write(p, np.ones(len(p), np.bool_)))) for p in (direct, begun)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert begun.residual == pytest.approx(direct.residual, rel=0.05)
