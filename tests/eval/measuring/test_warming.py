from __future__ import annotations

import time

import numba
import pytest
from fractour.eval.measuring.running.warming import compilations, timed


def fresh():
    @numba.njit
    def slow_to_compile(x):
        return x + 1

    return slow_to_compile


def test_compilations_are_told_by_name():
    told = []
    kernel = fresh()
    outer = numba.njit(lambda x: kernel(x) + 1)
    with compilations(told.append) as spent:
        start = time.perf_counter()
        outer(1)
        lasted = time.perf_counter() - start
        kernel(2)
    assert told == ["<lambda>", "slow to compile"]
    # A kernel inside a kernel is counted once.
    assert 0.5 * lasted < spent.seconds <= lasted
    kernel(1.5)
    assert len(told) == 2


def test_what_is_told_may_end_the_compilation():
    def stop(name):
        raise InterruptedError(name)

    with compilations(stop), pytest.raises(InterruptedError):
        fresh()(1)


def test_compiling_is_no_time_of_the_codec():
    calls = []
    kernel = fresh()

    def call():
        calls.append(1)
        return kernel(len(calls))

    result, seconds = timed(call)
    # The first call compiled; the second is the one that counts.
    assert (len(calls), result) == (2, 3)
    assert seconds < 0.01
    assert timed(call)[0] == 4
    assert len(calls) == 3
