"""The kit finds bugs planted in a small codec: missing packets, floats, prices."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fractour.codecs.template import TemplateCodec, synthesis
from fractour.codecs.template import format as syntax
from fractour.shared import registry
from fractour.shared.codec import Geometry, Proposal
from fractour.shared.compiled import compiled
from fractour.shared.conformance import CHECKS
from fractour.shared.conformance.support import Failure


class Small(TemplateCodec):
    """The template under a name of its own."""

    name, number = "acme.small", 99


def failed(codec: type[TemplateCodec], monkeypatch: pytest.MonkeyPatch, check: str) -> str:
    """Run one check on a codec; return why it failed, an empty text if it passed."""
    real, by_number = registry.get_codec, registry.codec_by_number
    planted = codec()
    monkeypatch.setattr(
        "fractour.shared.api.get_codec", lambda name: planted if name == Small.name else real(name)
    )
    monkeypatch.setattr(
        "fractour.shared.api.codec_by_number",
        lambda number, version: planted if number == 99 else by_number(number, version),
    )
    try:
        CHECKS[check](planted)
    except Failure as failure:
        return str(failure)
    return ""


@pytest.mark.parametrize("check", ["missing packets", "integers", "prices"])
def test_the_small_codec_without_a_bug_passes(monkeypatch: pytest.MonkeyPatch, check: str) -> None:
    assert failed(Small, monkeypatch, check) == ""


class SecondPacket(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        if not complete:
            packets[1]
        return super().read(geometry, packets, complete=complete)


class ThirdOfMany(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        if not complete and len(packets) > 2:
            packets[7 + len(packets)]
        return super().read(geometry, packets, complete=complete)


class FixedOffset(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        if not complete and len(packets[0]) < 4:
            packets[0][3]
        return super().read(geometry, packets, complete=complete)


class OnlyWithAlpha(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        if not complete and geometry.channels == 4:
            np.zeros(3)[len(packets) + 5]
        return super().read(geometry, packets, complete=complete)


class LaterInSynthesis(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        blocks = super().read(geometry, packets, complete=complete)
        return blocks if complete else dataclasses.replace(blocks, values=blocks.values[:0])

    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        symbols.values[0]
        return super().synthesize(symbols, xp=xp, scale=scale)


class EmptyEnd(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        if not complete and geometry.channels == 1 and packets[-1][-1] > 200:
            raise ValueError
        return super().read(geometry, packets, complete=complete)


@pytest.mark.parametrize(
    "codec", [SecondPacket, ThirdOfMany, FixedOffset, OnlyWithAlpha, LaterInSynthesis, EmptyEnd]
)
def test_reading_past_the_end_of_an_incomplete_file_is_found(
    monkeypatch: pytest.MonkeyPatch, codec: type[TemplateCodec]
) -> None:
    assert "Error for" in failed(codec, monkeypatch, "missing packets")


class Sine(Small):
    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        wave = xp.sin(xp.asarray(symbols.values).astype(xp.float32))
        values = (wave * 0).astype(xp.int32) + symbols.values
        return synthesis.synthesize(dataclasses.replace(symbols, values=values), xp)


class Halves(Small):
    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        values = (xp.asarray(symbols.values) * (3 / 2)).astype(xp.int32)
        return synthesis.synthesize(dataclasses.replace(symbols, values=values), xp)


class FloatFromRead(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        blocks = super().read(geometry, packets, complete=complete)
        return dataclasses.replace(blocks, bits=float(blocks.values.sum()))

    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        values = symbols.values + int(symbols.bits) % 3
        return synthesis.synthesize(dataclasses.replace(symbols, values=values), xp)


@compiled
def _soften(values: Any) -> None:
    for n in range(values.size):
        values.flat[n] = np.int32(values.flat[n] * 0.9)


class InAKernel(Small):
    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        if xp is np:
            values = symbols.values.copy()
            _soften(values)
            symbols = dataclasses.replace(symbols, values=values)
        return synthesis.synthesize(symbols, xp)


class TableOfCosines(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        blocks = super().read(geometry, packets, complete=complete)
        factor = round(64 * math.cos(len(packets)))
        return dataclasses.replace(blocks, values=blocks.values * factor)


class ScaledInRead(Small):
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        blocks = super().read(geometry, packets, complete=complete)
        values = (blocks.values * 0.75).astype(np.int32)
        return syntax.Blocks(blocks.step, geometry, values, blocks.bits)


@pytest.mark.parametrize(
    "codec", [Sine, Halves, FloatFromRead, InAKernel, TableOfCosines, ScaledInRead]
)
def test_floats_between_bytes_and_pixels_are_found(
    monkeypatch: pytest.MonkeyPatch, codec: type[TemplateCodec]
) -> None:
    assert "float" in failed(codec, monkeypatch, "integers")


class EightTimesTooLow(Small):
    def propose(self, analysis: Any, step: int) -> Proposal:
        honest = super().propose(analysis, step)
        return dataclasses.replace(honest, bits=honest.bits / 8)


class ThreeTimesTooHigh(Small):
    def propose(self, analysis: Any, step: int) -> Proposal:
        honest = super().propose(analysis, step)
        return dataclasses.replace(honest, bits=honest.bits * 3)


class AllInTheOverhead(Small):
    def propose(self, analysis: Any, step: int) -> Proposal:
        honest = super().propose(analysis, step)
        overhead = honest.overhead_bits + float(honest.bits.sum())
        return dataclasses.replace(honest, bits=honest.bits * 1e-3, overhead_bits=overhead)


class OnlyTheFinestSteps(Small):
    def propose(self, analysis: Any, step: int) -> Proposal:
        honest = super().propose(analysis, step)
        return dataclasses.replace(honest, bits=honest.bits / 4) if step < 3 else honest


class SomePayForOthers(Small):
    def propose(self, analysis: Any, step: int) -> Proposal:
        honest = super().propose(analysis, step)
        bits = honest.bits.copy()
        half = np.argsort(-honest.gain, kind="stable")[: len(bits) // 2]
        kept = bits[half] / 10
        rest = np.setdiff1d(np.arange(len(bits)), half)
        bits[rest] += (bits[half] - kept).sum() / max(len(rest), 1)
        bits[half] = kept
        return dataclasses.replace(honest, bits=bits)


@pytest.mark.parametrize(
    "codec",
    [EightTimesTooLow, ThreeTimesTooHigh, AllInTheOverhead, OnlyTheFinestSteps, SomePayForOthers],
)
def test_prices_that_are_off_are_found(
    monkeypatch: pytest.MonkeyPatch, codec: type[TemplateCodec]
) -> None:
    assert "priced at" in failed(codec, monkeypatch, "prices")
