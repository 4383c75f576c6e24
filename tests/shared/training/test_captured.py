"""Recorded steps: what is called when, on stand-ins for a device's streams and graphs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from fractour.shared.training.captured import Captured  # noqa: E402


class _Device:
    """Counts replays; recording may fail, as on a device that refuses an operation."""

    def __init__(self, *, refuses: bool) -> None:
        self.refuses, self.replays, self.recorded = refuses, 0, 0
        self.Stream = lambda: SimpleNamespace(wait_stream=lambda other: None)
        self.current_stream = self.Stream
        self.stream = contextlib.nullcontext

    def CUDAGraph(self) -> _Device:
        return self

    def replay(self) -> None:
        self.replays += 1

    @contextlib.contextmanager
    def graph(self, _: object) -> Iterator[None]:
        yield
        if self.refuses:
            raise RuntimeError("operation not permitted")
        self.recorded += 1


def _batch(value: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((2, 3, 4, 4), value), torch.full((2,), value)


def test_a_step_is_recorded_after_three_and_then_replayed_on_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, given = _Device(refuses=False), []
    monkeypatch.setattr(torch, "cuda", device)

    def step(pictures: torch.Tensor, bpp: torch.Tensor) -> tuple[torch.Tensor, ...]:
        given.append((pictures, bpp))
        return (pictures.sum(),)

    captured = Captured(step)
    for value in range(6):
        captured(*_batch(float(value)))
    assert (device.recorded, device.replays) == (1, 3)
    assert len(given) == 4
    # What was recorded reads from the same place each time: there the new values have to be.
    assert all(bool((one == 5).all()) for one in given[-1])


def test_what_cannot_be_recorded_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(refuses=True)
    monkeypatch.setattr(torch, "cuda", device)
    captured = Captured(lambda pictures, bpp: (pictures.sum() + bpp.sum(),))
    for value in range(3):
        captured(*_batch(float(value)))
    with pytest.warns(UserWarning, match="not recorded, but launched: operation not permitted"):
        (found,) = captured(*_batch(1.0))
    assert float(found) == 98.0
    assert float(captured(*_batch(2.0))[0]) == 196.0
    assert device.replays == 0
