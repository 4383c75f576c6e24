"""Training under a budget: the cut and its gradient, the loop, resume, two processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fractour.shared.errors import FractourError  # noqa: E402
from fractour.shared.network.selection import cut, kept  # noqa: E402
from fractour.shared.training.crops import Crops  # noqa: E402
from fractour.shared.training.losses import LOSSES, WEIGHTINGS, weights_of  # noqa: E402


def pictures(count: int = 3, side: int = 96) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:side, :side]
    out = []
    for i in range(count):
        waves = 90 * np.sin(x / (5 + 3 * i)) * np.cos(y / 11) + 128
        noise = rng.normal(0, 12, (side, side, 3))
        out.append(np.clip(waves[..., None] + noise, 0, 255).astype(np.uint8))
    return out


def test_the_cut_keeps_what_select_keeps() -> None:
    from fractour.shared.budget import select
    from fractour.shared.codec import Proposal

    rng = np.random.default_rng(1)
    contrast, bits = rng.integers(1, 20, 200) / 4.0, rng.random(200) * 30
    nothing = np.zeros(200)
    proposal = Proposal(0, contrast, nothing, nothing, bits, 0.0, 0.0, None)
    for budget in (0.0, 100.0, 1000.0, 1e6):
        mask, _ = kept(
            torch.tensor(contrast)[None], torch.tensor(bits)[None], torch.tensor([budget])
        )
        assert np.array_equal(mask[0].numpy(), select(proposal, budget))


def test_the_cut_never_spends_more_and_its_gradient_asks_for_no_more() -> None:
    generator = torch.Generator().manual_seed(0)
    worth = torch.randn(2, 300, generator=generator).requires_grad_()
    bits = torch.rand(2, 300, generator=generator) * 20
    budget = torch.tensor([500.0, 1500.0])
    mask = cut(worth, bits, budget)
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert bool(((mask * bits).sum(1) <= budget).all())
    # All of equal merit: raising everything at once must change nothing, nor the bits spent.
    (slope,) = torch.autograd.grad((mask * bits).sum(), worth)
    assert float(slope.abs().sum()) > 0
    assert float(slope.sum()) == pytest.approx(0.0, abs=1e-3)


def test_the_element_at_the_edge_feels_the_pull_most() -> None:
    worth = torch.tensor([[3.0, 2.0, 1.0, 0.0, -1.0]], requires_grad=True)
    mask = cut(worth, torch.ones(1, 5), torch.tensor([2.0]))
    assert mask.tolist() == [[1, 1, 0, 0, 0]]
    (slope,) = torch.autograd.grad(mask[0, 2], worth)
    # The first that is out: more worth of its own lets it in, more of the last inside keeps it out.
    assert slope[0, 2] > 0 > slope[0, 1]
    assert abs(slope[0, 1]) > abs(slope[0, 4])


def test_nothing_fits_and_everything_fits() -> None:
    worth = torch.randn(1, 20)
    assert cut(worth, torch.ones(1, 20), torch.tensor([0.5])).sum() == 0
    assert cut(worth, torch.ones(1, 20), torch.tensor([99.0])).sum() == 20


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_zero_at_equality_and_have_a_gradient(name: str) -> None:
    x = torch.tensor(pictures(2, 128)[1].transpose(2, 0, 1)[None].astype(np.float32))
    assert float(LOSSES[name](x, x)) == pytest.approx(0, abs=1e-5)
    y = (x + 20 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).requires_grad_()
    loss = LOSSES[name](x, y)
    (slope,) = torch.autograd.grad(loss.sum(), y)
    assert float(loss.detach()) > 0
    assert bool(torch.isfinite(slope).all())
    assert float((slope * (y - x).detach()).sum()) > 0


def test_weightings() -> None:
    bpp, reached = torch.tensor([0.1, 0.4]), torch.tensor([0.8, 0.2])
    ratios = {w: weights_of(w, bpp, reached) for w in WEIGHTINGS}
    assert float(ratios["inverse"][0] / ratios["inverse"][1]) == pytest.approx(4)
    assert float(ratios["reachable"][1] / ratios["reachable"][0]) == pytest.approx(4)
    assert ratios["none"].tolist() == [1, 1]
    with pytest.raises(FractourError, match="reachable"):
        weights_of("nonsense", bpp, reached)


def test_crops_depend_on_seed_and_step_alone() -> None:
    a, b = (Crops(pictures(), 64, 5) for _ in range(2))
    assert np.array_equal(a.batch(7, 3), b.batch(7, 3))
    assert not np.array_equal(a.batch(7, 3), a.batch(8, 3))
    assert not np.array_equal(a.batch(7, 3), Crops(pictures(), 64, 6).batch(7, 3))
    bpp = a.budgets(3, 4, 0.02, 1.28)
    # One budget in each of four equal parts of the logarithm.
    assert np.array_equal(np.floor(np.log(bpp / 0.02) / np.log(64) * 4), [0, 1, 2, 3])
    assert Crops([np.zeros((20, 30, 3), np.uint8)], 64, 0).batch(0, 1).shape == (1, 64, 64, 3)
    with pytest.raises(FractourError, match="empty"):
        Crops([], 64, 0)


def recipe(**changes: object) -> object:
    from fractour.shared.training.loop import Recipe

    values = {"steps": 4, "pictures": 1, "budgets": 2, "size": 64, "alone": 1, "seed": 3}
    return Recipe("wavelet", **(values | changes))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"loss": "l7"}, "smart"), ({"weighting": "x"}, "inverse"), ({"size": 100}, "64"),
     ({"low": 2.0, "high": 1.0}, "low"), ({"distill": 0.0}, "--alone 0")],
)  # fmt: skip
def test_recipes_are_checked(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(FractourError, match=named):
        recipe(**wrong)


def test_mixed_weights_lie_between_two_and_know_where_from(tmp_path: Path) -> None:
    from fractour.shared.network.contract import read_recipe, save_weights
    from fractour.shared.training import averaging

    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for path, value in zip(paths, (1.0, 3.0), strict=False):
        save_weights(path, {"w": torch.full((2, 3), value)}, {"steps": value})
    averaging.main([str(paths[0]), str(paths[1]), "0.25", str(paths[2])])
    assert (weights(paths[2])["w"] == 1.5).all()
    assert read_recipe(paths[2]) == {"mixed": 0.25, "steps": 3.0}
    save_weights(paths[1], {"w": torch.zeros(3)}, {})
    with pytest.raises(FractourError, match="different networks"):
        averaging.mix(paths[0], paths[1], 0.5, paths[2])


def weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    found: dict[str, np.ndarray] = load_file(path)
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_stops_and_resumes_ends_at_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    from fractour.shared.network.contract import read_recipe
    from fractour.shared.training.loop import train

    seen: list[float] = []
    whole = train(
        recipe(), pictures(), tmp_path / "a", corpus_sha256="abc", every=2, board=False,
        report=lambda r: seen.append(r.loss),
    )  # fmt: skip
    assert len(seen) == 4
    assert np.isfinite(seen).all()
    assert read_recipe(whole)["corpus_sha256"] == "abc"

    # Stopped after two of four steps: the learning rate is that of the whole run.
    class Stop(Exception):
        pass

    def stop(report: object) -> None:
        if report.step == 3:  # type: ignore[attr-defined]
            raise Stop

    with pytest.raises(Stop):
        train(recipe(), pictures(), tmp_path / "b", every=2, board=False, report=stop)
    steps: list[int] = []
    again = train(
        recipe(), pictures(), tmp_path / "b", every=2, board=False, resume=True,
        report=lambda r: steps.append(r.step),
    )  # fmt: skip
    assert steps == [3, 4]
    a, b = weights(whole), weights(again)
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)
    with pytest.raises(FractourError, match="seed 3"):
        train(recipe(seed=4), pictures(), tmp_path / "b", resume=True, board=False)


@pytest.mark.filterwarnings("ignore")
def test_a_run_without_a_finite_gradient_stops_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    from fractour.shared.training.loop import train

    with pytest.raises(FractourError, match=r"step 2 has no finite gradient.*--rate"):
        train(recipe(rate=1e30), pictures(), tmp_path, board=False)
    assert not (tmp_path / "wavelet.safetensors").exists()


@pytest.mark.parametrize("codec", ["wavelet", "pifs", "contour"])
def test_a_step_that_a_gpu_repeats_looks_at_no_value(codec: str) -> None:
    from fractour.shared.network.contract import network_class
    from fractour.shared.training.loop import Recipe, _Step
    from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

    network = network_class(codec)()
    step = _Step(network, Recipe(codec))
    given = torch.rand(2, 3, 128, 128) * 255, torch.tensor([0.1, 0.5])
    step(*given, False)[0].backward()  # constants are made once, by the steps before
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = [mode.from_tensor(one) for one in given]
        if network.fixed_shapes:
            step(*fake, False)[0].backward()
        else:
            with pytest.raises(DataDependentOutputException):
                step(*fake, False)


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    from PIL import Image

    for i, image in enumerate(pictures()):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    command = [
        sys.executable, "-m", "fractour", "train", "wavelet", "--corpus", str(tmp_path),
        "--out", str(tmp_path / "run"), "--steps", "2", "--alone", "0", "--pictures", "2",
        "--each", "1", "--size", "64", "--devices", "2", "--accelerator", "cpu",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "wavelet.safetensors").exists()


def test_the_wavelet_twin_inverts_its_transform() -> None:
    from fractour.codecs.wavelet.network import WaveletNetwork

    network = WaveletNetwork()
    x = torch.tensor(np.stack(pictures(2, 128)).transpose(0, 3, 1, 2).astype(np.float32))
    bands = network.analyze(x)
    back = network.synthesize([band.values for band in bands], x)
    assert float((back - x).abs().max()) < 1e-2


def test_the_wavelet_twin_has_the_coefficients_of_the_codec() -> None:
    from fractour.codecs.wavelet import analysis
    from fractour.codecs.wavelet.network import WaveletNetwork

    image = pictures(1, 128)[0]
    found = analysis.analyze(image)
    x = torch.tensor(image.transpose(2, 0, 1)[None].astype(np.float32))
    bands = iter(WaveletNetwork().analyze(x))
    scales = []
    for comp in range(3):
        flat = found.coefficients.reshape(3, -1)[comp]
        next(bands)  # the codec goes on to a single sample
        for level in range(6, 0, -1):
            for orient in (1, 2, 3):
                at = [(b.orient, b.level) for b in found.layout.bands].index((orient, level))
                real = analysis._band_view(flat, found.layout.table[at])
                ours = next(bands).values[0].numpy()
                scale = float((real * ours).sum() / (ours * ours).sum())
                assert np.abs(real - scale * ours).max() < 1e-3 * np.abs(real).max() + 1e-3
                scales.append(scale)
    assert max(scales) / min(scales) == pytest.approx(1, abs=0.01)


def test_more_importance_means_more_survivors_there() -> None:
    from fractour.codecs.wavelet.network import WaveletNetwork

    network = WaveletNetwork()
    x = torch.tensor(pictures(1, 128)[0].transpose(2, 0, 1)[None].astype(np.float32))
    importance = torch.zeros(1, 2, 5, 8, 8)
    importance[..., :4] = 2.0
    bpp = torch.tensor([0.2])
    found = network.survivors(network.analyze(x), x, bpp, importance)
    assert float(found.bits) <= 0.2 * 128 * 128
    error = ((found.pixels - x) ** 2).mean((0, 1, 2))
    plain = ((found.plain - x) ** 2).mean((0, 1, 2))
    assert error[:48].mean() < plain[:48].mean()
    assert error[80:].mean() > plain[80:].mean()
