"""Several inputs at once: globs, an output folder, and going on where one input fails."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...shared.errors import FractourError
from .output import STDIO, OutputError, UsageError, notice, print_json, say

if TYPE_CHECKING:
    from ...corpora.images import Corpus


def _expanded(sources: Sequence[str]) -> list[str]:
    """Expand what a shell left as it was, because it was quoted or knows no globs."""
    found: list[str] = []
    for source in sources:
        if source != STDIO and glob.has_magic(source) and not Path(source).exists():
            matches = sorted(glob.glob(source, recursive=True))
            if not matches:
                message = f"no file matches {source!r}"
                raise UsageError(message)
            found += matches
        else:
            found.append(source)
    return found


def outputs(sources: Sequence[str], target: str, ending: str) -> list[tuple[str, str]]:
    """Pair every input with its output.

    Parameters
    ----------
    sources : sequence of str
        Files, globs or ``-``.
    target : str
        A file for one input; a folder, made if missing, for several.
    ending : str
        Of the files in the folder.

    Raises
    ------
    UsageError
        If several inputs have no folder to go to, or two would have the same output.
    """
    files = _expanded(sources)
    folder = Path(target)
    many = len(files) > 1 or target.endswith(("/", "\\")) or (target != STDIO and folder.is_dir())
    if not many:
        return [(files[0], target)]
    if target == STDIO or STDIO in files:
        message = "several inputs go from files into a folder, not through - (stdin, stdout)"
        raise UsageError(message)
    if folder.exists() and not folder.is_dir():
        message = f"{target} is a file; several inputs need a folder"
        raise UsageError(message)
    pairs = [(source, str(folder / f"{Path(source).stem}{ending}")) for source in files]
    taken: dict[str, str] = {}
    for source, output in pairs:
        if output in taken:
            message = f"{taken[output]} and {source} would both become {output}"
            raise UsageError(message)
        taken[output] = source
    folder.mkdir(parents=True, exist_ok=True)
    return pairs


def each(
    pairs: Sequence[tuple[str, str]], work: Callable[[str, str], dict[str, Any]], *, as_json: bool
) -> None:
    """Do the work on every pair; several go on where one fails.

    Parameters
    ----------
    pairs : sequence of (str, str)
        See `outputs`.
    work : callable
        Takes input and output, returns its report.
    as_json : bool
        Print the report, or a list of all.

    Raises
    ------
    OutputError
        If some of several inputs failed, after all were tried.
    """
    if len(pairs) == 1:
        report = work(*pairs[0])
        if as_json:
            print_json(report)
        return
    reports: list[dict[str, Any]] = []
    failed = 0
    for source, target in pairs:
        try:
            reports.append(work(source, target))
        except (FractourError, OSError) as error:
            failed += 1
            text = " ".join(str(error).split())
            reports.append({"input": source, "output": target, "error": text})
            say(f"error: {text if source in text else f'{source}: {text}'}")
    if as_json:
        print_json({"files": reports})
    if failed:
        message = f"{failed} of {len(pairs)} files failed"
        raise OutputError(message)


def read_corpus(
    corpus: Corpus, *, skip_broken: bool, progress: Callable[[float], None] | None = None
) -> Corpus:
    """Read every picture before work begins; tell what is left out of them, and of the corpus.

    Raises
    ------
    ImageInputError
        If some cannot be read and are not to be skipped; names all of them.
    """
    from ...corpora.reading import read_all, without_broken

    findings = read_all(corpus, progress)
    for note in findings.notes():
        notice(note)
    sound = without_broken(corpus, findings, skip=skip_broken)
    for reason in findings.broken.values():
        notice(f"skipped: {reason}")
    return sound
