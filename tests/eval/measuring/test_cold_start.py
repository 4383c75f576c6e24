"""What first use costs: compiling is seen in a cache of its own, and only once."""

from __future__ import annotations

from fractour.eval.measuring import cold_start


def test_the_first_process_compiles_and_later_ones_do_not() -> None:
    rows, together = cold_start.measured(("template",))
    (row,) = rows
    assert row["decode_cold"] > row["decode_warm"] + 0.3
    assert row["encode_cold"] > row["encode_warm"] + 0.3
    # What decoding compiled, encoding need not compile again.
    assert together < row["decode_cold"] + row["encode_cold"]
