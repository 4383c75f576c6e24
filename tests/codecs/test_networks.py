"""Encoder networks as they are shipped: budgets, any picture, the same bytes, no torch."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.shared.error.smart_error import smart_error
from fractour.shared.errors import BudgetError, FractourError
from fractour.shared.network.weights import WEIGHTS_VARIABLE, weights_path
from fractour.shared.registry import codec_names, get_codec

torch = pytest.importorskip("torch")

CODECS = [
    name for name in codec_names() if (path := weights_path(name)) is not None and path.exists()
]
ENCODERS = ("network", "network+refine")


def test_every_codec_that_offers_a_network_ships_its_weights() -> None:
    offering = [name for name in codec_names() if "network" in get_codec(name).encoders]
    assert offering == CODECS
    assert "wavelet" in CODECS


@pytest.mark.parametrize("name", CODECS)
def test_weights_are_small_and_say_how_they_were_made(name: str) -> None:
    from fractour.shared.network.contract import network_class, read_recipe

    path = weights_path(name)
    assert path is not None
    assert path.stat().st_size < 6_000_000
    recipe = read_recipe(path)
    assert recipe["codec"] == name or get_codec(name).network == get_codec(recipe["codec"]).network
    assert recipe["loss"]
    assert recipe.get("corpus_sha256") or recipe.get("corpus")
    count = sum(p.numel() for p in network_class(name)().parameters())
    assert 500_000 < count < 3_500_000


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", CODECS)
def test_budgets_are_kept_and_used(name: str, encoder: str, picture: np.ndarray) -> None:
    for budget in (400, 1500):
        data = fractour.encode(picture, codec=name, encoder=encoder, budget=budget)
        assert 0.95 * budget <= len(data) <= budget
        assert fractour.decode(data).shape == picture.shape
        assert data == fractour.encode(picture, codec=name, encoder=encoder, budget=budget)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("shape", [(1, 1), (7, 33, 3), (50, 18, 4), (31, 70), (40, 24, 2)])
def test_any_picture(name: str, encoder: str, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    data = fractour.encode(image, codec=name, encoder=encoder, budget=200)
    assert len(data) <= 200
    assert fractour.decode(data).shape == shape


@pytest.mark.parametrize("name", CODECS)
def test_too_small_a_budget_is_named(name: str, picture: np.ndarray) -> None:
    with pytest.raises(BudgetError, match="smallest"):
        fractour.encode(picture, codec=name, encoder="network", budget=4)


@pytest.mark.parametrize("name", CODECS)
def test_refinement_is_not_worse_than_where_it_began(name: str, picture: np.ndarray) -> None:
    # On a picture as small as this a single budget is chance; larger errors count for more.
    found = dict.fromkeys(ENCODERS, 0.0)
    for encoder in ENCODERS:
        for budget in (500, 900):
            data = fractour.encode(picture, codec=name, encoder=encoder, budget=budget)
            found[encoder] += smart_error(picture, fractour.decode(data))
    assert found["network+refine"] <= 1.05 * found["network"]


def test_a_target_error_is_kept_by_a_network(picture: np.ndarray) -> None:
    data = fractour.encode(picture, encoder="network", target=0.4)
    assert smart_error(picture, fractour.decode(data)) <= 0.4


def test_weights_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray
) -> None:
    from fractour.shared.network.contract import network_class, save_weights, trained_network

    torch.manual_seed(1)
    network = network_class("wavelet")()
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    shipped = fractour.encode(picture, encoder="network", budget=900)
    save_weights(tmp_path / "wavelet.safetensors", network.state_dict(), {})
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    trained_network.cache_clear()
    try:
        assert fractour.encode(picture, encoder="network", budget=900) != shipped
        (tmp_path / "wavelet.safetensors").write_bytes(b"nothing of the kind")
        trained_network.cache_clear()
        with pytest.raises(FractourError, match="holds no weights"):
            fractour.encode(picture, encoder="network", budget=900)
    finally:
        trained_network.cache_clear()


def test_without_torch_the_search_steps_in(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "import importlib.util, sys, warnings\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'torch' else real(name, *a)\n"
        "import numpy as np, fractour\n"
        "image = (np.arange(64 * 64) % 250).astype(np.uint8).reshape(64, 64)\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    data = fractour.encode(image, budget=300, encoder='network')\n"
        "print(data == fractour.encode(image, budget=300), [str(w.message) for w in seen])\n"
        "print('torch' in sys.modules)\n"
    )
    ended = python(code)
    assert ended.stdout.splitlines()[0].startswith("True"), ended.stderr
    assert "fractour[neural]" in ended.stdout
    assert ended.stdout.splitlines()[1] == "False"
