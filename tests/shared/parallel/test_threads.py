"""Work in threads: all of it, in order, and what went wrong is told."""

from __future__ import annotations

import pytest
from fractour.shared.parallel.threads import in_threads


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_results_come_in_order(count: int) -> None:
    assert in_threads(lambda n: n * n, range(count)) == [n * n for n in range(count)]


@pytest.mark.parametrize("count", [1, 9])
def test_errors_pass_through(count: int) -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda n: 1 // n, range(count))
