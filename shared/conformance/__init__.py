"""What every codec must keep to: the checks behind ``fractour check NAME``.

They see nothing of a codec but its contract, so they run on third-party codecs as they do on
the built-in ones; only floats are also looked for in the source. In a test:
``assert not [r for r in check_codec("mine") if not r.ok]``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..codec import Codec, Progress
from ..registry import get_codec
from . import contract, damage, integers, prices
from .support import ArrayPath, Failure, sample_picture


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Parameters
    ----------
    name : str
    ok : bool
    message : str
        What was seen: the reason of a failure, or the extent of a success.
    """

    name: str
    ok: bool
    message: str


CHECKS: dict[str, Callable[[Codec], str]] = {
    "declaration": contract.declaration,
    "proposals": prices.proposals,
    "prices": prices.prices,
    "shapes": contract.shapes,
    "contents": contract.contents,
    "budgets": contract.budgets,
    "encoders": contract.encoders,
    "determinism": contract.determinism,
    "prefixes": damage.prefixes,
    "missing packets": damage.missing,
    "hostile bytes": damage.hostile,
    "integers": integers.integers,
    "backends": integers.backends,
}
"""Name to check; each returns what it saw or raises."""


def check_codec(name: str, progress: Progress | None = None) -> list[CheckResult]:
    """Run all checks on the codec called `name`.

    Parameters
    ----------
    name : str
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    list of CheckResult

    Raises
    ------
    UnknownCodecError
        If no such codec is installed.
    """
    codec = get_codec(name)
    results = []
    for done, (title, check) in enumerate(CHECKS.items()):
        try:
            results.append(CheckResult(title, True, check(codec)))
        except Failure as failure:
            results.append(CheckResult(title, False, str(failure)))
        except Exception as error:
            results.append(CheckResult(title, False, f"{type(error).__name__}: {error}"))
        if progress:
            progress((done + 1) / len(CHECKS))
    return results


__all__ = ["CHECKS", "ArrayPath", "CheckResult", "check_codec", "sample_picture"]
