"""The range coder: exact round trips, a rate held against constriction, no stale state."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from fractour.shared import entropy
from fractour.shared.errors import BitstreamError
from hypothesis import given
from hypothesis import strategies as st


def _tables(contexts: int, rows: int = 2) -> entropy.Tables:
    return entropy.Tables(
        np.full(contexts, 32768, np.int32),
        np.zeros(contexts, np.int32),
        np.full(rows, 32768, np.int32),
    )


def _write_fixed(bits: list[int], chances: list[int]) -> bytes:
    coder = entropy.writer(entropy.NO_TABLES, 2 * len(bits) + 16)
    for bit, chance in zip(bits, chances, strict=True):
        entropy.code_bit(coder, 0, bit, chance)
    return entropy.finish(coder)


def _read_fixed(data: bytes, chances: list[int]) -> list[int]:
    coder = entropy.reader(entropy.NO_TABLES, data, complete=True)
    bits = [int(entropy.code_bit(coder, 0, 0, chance)) for chance in chances]
    entropy.check_ended(coder)
    return bits


# Chances at both ends and constant runs make carries and long runs of 0xFF likely.
_decisions = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([1, 2, 300, 32768, 65000, 65534, 65535])),
    max_size=300,
)


@given(_decisions)
def test_fixed_chances_round_trip(decisions: list[tuple[int, int]]) -> None:
    bits, chances = [b for b, _ in decisions], [p for _, p in decisions]
    assert _read_fixed(_write_fixed(bits, chances), chances) == bits


@given(st.binary(max_size=40), st.integers(1, 400))
def test_any_bytes_decode_or_end(data: bytes, count: int) -> None:
    coder = entropy.reader(entropy.NO_TABLES, data, complete=True)
    for _ in range(count):
        assert entropy.decide_flat(coder, 0, 0) in (0, 1)
    if count > 8 * (len(data) + entropy.GRACE + 4):
        with pytest.raises(BitstreamError):
            entropy.check_ended(coder)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 8, 13, 100])
def test_a_prefix_gives_a_prefix_of_the_decisions(length: int) -> None:
    rng = np.random.default_rng(length)
    bits = (rng.random(2000) < 0.2).astype(int).tolist()
    data = _write_fixed(bits, [13000] * 2000)
    coder = entropy.reader(entropy.NO_TABLES, data[:length], complete=False)
    got = []
    while not coder[entropy.ENDED]:
        got.append(int(entropy.code_bit(coder, 0, 0, 13000)))
    assert got == bits[: len(got)]
    assert len(got) * 0.73 >= 8 * (length - 5), "the decoder gives up long before the data ends"


def _mixed(coder: entropy.State, bits: list[int]) -> tuple[list[int], list[int]]:
    out, chances, previous = [], [], 0
    for bit in bits:
        coder[entropy.CONTEXT], coder[entropy.CONTEXT + 1] = previous, 2 + (len(out) & 1)
        decided, chance = entropy.decide(coder, 0, bit, 2, 0, 2)
        out.append(int(decided))
        chances.append(int(chance))
        previous = int(decided)
    return out, chances


def test_mixed_contexts_round_trip_and_learn() -> None:
    rng = np.random.default_rng(3)
    bits = [0]
    for _ in range(6000):
        bits.append(int(rng.random() < (0.85 if bits[-1] else 0.05)))
    coder = entropy.writer(_tables(4, 4), 20000, counted=True)
    _, chances = _mixed(coder, bits)
    data = entropy.finish(coder)
    tally, weights = entropy.learned(coder)
    assert tally.sum() == 2 * len(bits)
    assert tally[:2].sum(0).tolist() == [bits.count(0), bits.count(1)]
    assert weights.min() > 0
    counted = entropy.spent(coder, ("all",))["all"]
    coder = entropy.reader(_tables(4, 4), data, complete=True)
    got, _ = _mixed(coder, [0] * len(bits))
    assert got == bits
    # Ideal cost: the entropy of a bit given the one before, as counted.
    pairs = np.zeros((2, 2))
    np.add.at(pairs, (np.array([0, *bits[:-1]]), np.array(bits)), 1)
    ideal = -(pairs * np.log2(pairs / pairs.sum(1, keepdims=True))).sum()
    assert 8 * len(data) < 1.04 * ideal + 64
    spent = -np.log2(np.array(chances) / 65536).sum() / 8
    assert abs(len(data) - spent) < 0.002 * spent + 3
    assert abs(counted / 8 - spent) < 0.001 * spent


@pytest.mark.parametrize("at", [0, 1, 7, 8, 9, 500])
def test_a_coder_goes_on_with_more_states(at: int) -> None:
    """What is extended in the middle writes and reads as if all states had been there at once."""
    rng = np.random.default_rng(at)
    bits = (rng.random(1000) < 0.3).astype(int).tolist()

    def run(coder: entropy.State, *, whole: bool) -> tuple[entropy.State, list[int]]:
        out = []
        for i, bit in enumerate(bits):
            if i == at and not whole:
                coder = entropy.extended(coder, _tables(3, 2))
            coder[entropy.CONTEXT], coder[entropy.CONTEXT + 1] = (
                i % 2,
                1 + i % (4 if i >= at else 1),
            )
            out.append(int(entropy.decide(coder, 0, bit, 2, 0, 2 if i >= at else 0)[0]))
        return coder, out

    ours, _ = run(entropy.writer(_tables(2, 2), 4000), whole=False)
    theirs, _ = run(entropy.writer(_tables(5, 4), 4000), whole=True)
    data = entropy.finish(ours)
    assert data == entropy.finish(theirs)
    _, got = run(entropy.reader(_tables(2, 2), data, complete=True), whole=False)
    assert got == bits


def test_rate_matches_constriction() -> None:
    """Same decisions, same probabilities: at most 1 % and 4 bytes apart."""
    constriction = pytest.importorskip("constriction")
    rng = np.random.default_rng(5)
    for skew in (0.5, 0.1, 0.01):
        n = 20000
        chance = np.clip(rng.beta(1, 1 / skew - 1 + 1e-9, n), 0.001, 0.999)
        bits = (rng.random(n) < chance).astype(np.int32)
        scaled = np.clip(np.rint(chance * 65536), 1, 65535).astype(int)
        ours = len(_write_fixed(bits.tolist(), scaled.tolist()))
        coder = constriction.stream.queue.RangeEncoder()
        coder.encode(bits, constriction.stream.model.Bernoulli(perfect=False), scaled / 65536.0)
        theirs = 4 * len(coder.get_compressed())
        assert ours <= theirs * 1.01 + 4
        assert _read_fixed(_write_fixed(bits.tolist(), scaled.tolist()), scaled.tolist()) == list(
            bits
        )


def test_squash_and_stretch_are_the_logistic_function_and_its_inverse() -> None:
    x = np.arange(-2816, 2817) / 256
    exact = 65536 / (1 + np.exp(-x))
    assert np.all(np.diff(entropy.SQUASH) >= 0)
    assert np.max(np.abs(entropy.SQUASH - exact) / np.maximum(exact, 40)) < 0.03
    p = (np.arange(64, 4032) + 0.5) / 4096
    assert np.max(np.abs(entropy.STRETCH[64:4032] / 256 - np.log(p / (1 - p)))) < 0.02


def test_plain_python_writes_the_same_bytes() -> None:
    """The compiled loop and the same source run by the interpreter agree."""
    script = (
        "import numpy as np, fractour, hashlib\n"
        "y, x = np.mgrid[0:24, 0:31]\n"
        "image = np.stack([x * 8, y * 10, (x * y) % 256], -1).astype(np.uint8)\n"
        "data = fractour.encode(image, codec='wavelet', budget=300)\n"
        "pixels = fractour.decode(data)\n"
        "print(hashlib.sha256(data).hexdigest(), hashlib.sha256(pixels.tobytes()).hexdigest())\n"
    )
    outputs = []
    for disable in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disable}
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", script],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            ).stdout
        )
    assert outputs[0] == outputs[1]
    assert len(outputs[0].split()) == 2
