"""The contour codec's encoder network: its float twin, its teacher, and the files that it fills."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fractour  # noqa: E402
from fractour.codecs.contour.format import layout  # noqa: E402
from fractour.codecs.contour.network import inference, model, slots, teacher, twin  # noqa: E402
from fractour.codecs.contour.synthesis import windows  # noqa: E402
from fractour.shared import encoding  # noqa: E402
from fractour.shared.network import inference as asking  # noqa: E402
from fractour.shared.network.contract import trained_network  # noqa: E402
from fractour.shared.picture import color  # noqa: E402
from fractour.shared.registry import get_codec  # noqa: E402
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps  # noqa: E402

SIDE = 64


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth waves with an edge across them."""
    y, x = np.mgrid[:height, :width]
    planes = [
        120 + 50 * np.sin(x / (6 + c)) + 40 * np.cos(y / (9 - c)) + 60 * (x + y > width)
        for c in range(channels)
    ]
    pixels = np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


def outline(y: float, x: float, scale: int, aspect: int, angle: int, frequency: int):
    """Return a layer, and the same window as the twin wants it."""
    layer = np.zeros((1, layout.FIELDS), np.int32)
    layer[0, [layout.TOP, layout.LEFT]] = round(16 * y), round(16 * x)
    layer[0, [layout.SCALE, layout.ASPECT, layout.ANGLE]] = scale, aspect, angle
    layer[0, [layout.FREQUENCY, layout.PHASE, layout.BUCKET]] = frequency, 7, 6
    double = 2 * math.pi * angle / layout.ANGLES
    # Radii are whole sixteenths of a pixel in the format.
    major, minor = (math.log2(int(r) / 16) for r in layout.radii(scale, aspect))
    logits = torch.zeros(1, layout.FREQUENCIES)
    logits[0, frequency] = 1.0
    zero = torch.zeros(1, dtype=torch.int64)
    window = slots.Windows(
        zero,
        zero,
        torch.zeros(1),
        torch.tensor([y]),
        torch.tensor([x]),
        torch.tensor([major + minor - 3.0]),
        torch.tensor([2 * (major - minor)]),
        torch.tensor([[math.cos(double), math.sin(double)]]),
        logits,
    )
    return layer, window


@pytest.mark.parametrize(
    ("scale", "aspect", "angle", "frequency", "off"),
    # Small windows are sampled at every pixel, large ones on coarser levels.
    [(1, 0, 0, 0, 0.003), (1, 2, 11, 2, 0.01), (2, 3, 21, 4, 0.01), (6, 3, 21, 2, 0.1)],
)
def test_the_twin_draws_as_the_decoder_does(
    scale: int, aspect: int, angle: int, frequency: int, off: float
) -> None:
    layer, window = outline(30.5, 27.25, scale, aspect, angle, frequency)
    steps = component_steps(100, NEUTRAL_CHROMA, 1)
    planes = np.zeros((1, SIDE, SIDE), np.int32)
    windows.draw(layer, steps, 1, planes)
    size = layout.amplitude_of(6, 0, int(steps[0])) / 64.0
    phase = 2 * math.pi * 7 / layout.PHASES
    if frequency == 0:
        phase = 2 * math.pi * 7 * 16 / 1024
    # cos(turn + phase) in cosine and sine.
    amplitudes = torch.tensor([[size * math.cos(phase)], [-size * math.sin(phase)]])
    drawn = twin.sample(window, (1, 1, SIDE, SIDE)).draw(amplitudes)[0, 0].numpy()
    assert np.abs(planes[0]).max() > 16 * size
    assert np.abs(drawn - planes[0] / 64.0).max() < off * size + 1 / 64


def test_measuring_is_the_adjoint_of_drawing() -> None:
    torch.manual_seed(0)
    _, a = outline(20, 30, 3, 2, 9, 3)
    _, b = outline(40, 12, 8, 1, 30, 0)
    both = slots.joined([a, b], 1)
    atoms = twin.sample(both, (1, 3, SIDE, SIDE))
    amplitudes, planes = torch.randn(2, 2), torch.randn(1, 3, SIDE, SIDE)
    one = (atoms.draw(amplitudes) * planes).sum()
    other = (atoms.measure(planes) * amplitudes).sum()
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    # Windows that were drawn are found again.
    found = twin.solve(atoms, atoms.draw(amplitudes), torch.ones(2), iterations=20)
    shown = atoms.draw(found) - atoms.draw(amplitudes)
    assert float(shown.abs().max()) < 0.05 * float(atoms.draw(amplitudes).abs().max())


def test_gradients_reach_outlines_and_confidence() -> None:
    torch.manual_seed(0)
    net = model.ContourNetwork()
    pixels = torch.from_numpy(picture(SIDE, SIDE).transpose(2, 0, 1).copy()).float()[None]
    found = net.reconstruct(pixels.repeat(2, 1, 1, 1), torch.tensor([0.3, 0.8]))
    assert found.pixels.shape == found.plain.shape == (2, 3, SIDE, SIDE)
    assert (found.bits <= torch.tensor([0.3, 0.8]) * SIDE * SIDE).all()
    ((found.pixels - pixels) ** 2).mean().backward()
    for head in net.heads:
        gradient = head[-1].weight.grad.view(-1, slots.CHANNELS, 128)
        spread = gradient.abs().amax((0, 2))
        # Confidence, place, size, aspect and direction; frequencies learn from the teacher alone.
        assert (spread[:7] > 0).all()


def test_turning_layers_turns_what_they_draw() -> None:
    side = teacher.CROP
    layer, _ = outline(90.5, 151.25, 7, 4, 13, 0)
    layer[0, layout.PHASE] = 0
    steps = component_steps(100, NEUTRAL_CHROMA, 1)

    def drawn(layers: np.ndarray) -> np.ndarray:
        planes = np.zeros((1, side, side), np.int32)
        windows.draw(layers, steps, 1, planes)
        return planes.astype(np.float32)

    for way in range(8):
        planes, turned = teacher.turned(drawn(layer), layer, way)
        assert np.abs(drawn(turned) - planes).max() <= 0.02 * np.abs(planes).max()


def test_the_teacher_is_learnt() -> None:
    torch.manual_seed(0)
    layer, _ = outline(90.5, 151.25, 5, 4, 13, 2)
    net = model.ContourNetwork()
    rest = torch.zeros(1, 3, 256, 256)
    rest[0, 0, 70:110, 130:170] = 40.0
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    far = []
    for _ in range(8):
        cells = net.cells(rest, torch.tensor([0.1]))
        loss = teacher.distance(cells, [(layer, np.array([50.0], np.float32))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        far.append(float(loss.detach()))
    assert far[-1] < 0.7 * far[0]


@pytest.mark.parametrize("way", ["network", "network+refine"])
@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 1, 3), (3, 5, 1), (37, 53, 3), (40, 64, 4), (45, 31, 2)]
)
def test_budgets_are_kept(way: str, height: int, width: int, channels: int) -> None:
    pixels = picture(height, width, channels)
    for codec, size in (("contour", 64), ("contour", 220), ("contour-pure", 90)):
        data = fractour.encode(pixels, codec=codec, budget=size, encoder=way)
        assert len(data) <= size
        assert fractour.decode(data).shape == pixels.shape
        assert data == fractour.encode(pixels, codec=codec, budget=size, encoder=way)


def test_many_more_are_proposed_than_survive() -> None:
    pixels = picture(160, 192)
    codec = get_codec("contour-pure")
    way = encoding.Encoding(codec, pixels, encoder="network")
    analysis = way.analysis(500)
    proposal = codec.propose(analysis, codec.first_step(analysis, 500))
    assert 5 < len(proposal) * 10 < proposal.looked
    asked = inference.ask(color.to_components(pixels), 500)
    assert len(asked) < asked.count
    top = asked.layers[:, [layout.TOP, layout.LEFT]]
    assert (top >= 0).all()
    assert (top < 16 * np.array([160, 192])).all()


def test_large_pictures_are_asked_about_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = color.to_components(picture(160, 192))
    whole = inference.ask(planes, 400)
    monkeypatch.setattr(asking, "_BLOCK", 96)
    parts = inference.ask(planes, 400)
    assert parts.count == pytest.approx(whole.count, rel=0.05)


def test_weights_say_where_they_come_from() -> None:
    from fractour.shared.network.contract import read_recipe
    from fractour.shared.network.weights import weights_path

    path = weights_path("contour")
    assert isinstance(path, Path)
    assert weights_path("contour-pure") == path
    assert read_recipe(path)["codec"] == "contour"
    assert path.stat().st_size < 4_000_000
    assert isinstance(trained_network("contour"), model.ContourNetwork)
