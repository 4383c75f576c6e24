"""Where words and bytes go: data to stdout, all else to stderr, files complete or not at all."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from ...shared.errors import FractourError, ImageInputError

if TYPE_CHECKING:
    from ..measuring.running.warming import Spent
    from ..tables import Table

STDIO = "-"


class UsageError(FractourError):
    """The command line asks for something that makes no sense; exit code 2."""


class Command(TyperCommand):
    """A command whose errors reach `cli.run` as they are.

    typer takes every EOFError for the end of the terminal's input and aborts; a truncated
    file is an EOFError too.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise CarriedError(error) from error


class CarriedError(Exception):
    """Carries `error` past typer."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class OutputError(FractourError):
    """The output cannot be written, or exists; exit code 1."""


def say(text: str) -> None:
    """Tell the user something, on stderr, as it is: no markup, no wrapping."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def notice(text: str) -> None:
    """Tell the user what may surprise."""
    say(f"warning: {text}")


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    from ..tables import finite

    text = json.dumps(finite(document), indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], notes: tuple[str, ...] = ()
) -> None:
    """Print one table of plain values, see `print_tables`."""
    from ..tables import Cell, Table

    cells = tuple(tuple(Cell(_text(value), _value(value)) for value in row) for row in rows)
    print_tables([Table("", "", tuple(columns), cells, notes)])


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables on stdout: boxes on a terminal, tab-separated values elsewhere.

    Of several tables each begins with a line ``# title`` and ends with its notes as ``# note``
    and an empty line, so that programs can take them apart.
    """
    if not sys.stdout.isatty():
        for table in tables:
            notes = "".join(f"# {note}\n" for note in table.notes)
            head, tail = (f"# {table.title}\n", f"{notes}\n") if len(tables) > 1 else ("", notes)
            sys.stdout.write(head + table.to_tsv() + tail)
        return
    from rich.console import Console

    console = Console()
    for table in tables:
        for piece in table.pieces(console.width):
            console.print(piece.to_rich())
        if len(tables) > 1:
            console.print()


def _value(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(str(value).split())


class Bar:
    """A bar on stderr: how far the work is, and what it is at.

    Parameters
    ----------
    label : str
        What the work is called while nothing else is said of it.
    shown : bool
        Whether there is a terminal to draw on.
    """

    _PATIENCE = 0.5  # seconds; what ends sooner needs no bar

    def __init__(self, label: str, *, shown: bool) -> None:
        self._label = label
        self.shown = shown
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._done = 0.0

    def __call__(self, fraction: float) -> None:
        """Tell the fraction done, 0 to 1."""
        self._done = fraction
        if self._bar is not None or time.monotonic() - self._started >= self._PATIENCE:
            self.doing(self._label)

    def doing(self, text: str) -> None:
        """Tell what the work is at; the bar is there from now on."""
        if not self.shown:
            return
        if self._bar is None:
            self._start()
        # A long name must not push the bar off a terminal of 80 columns.
        text = text if len(text) <= 40 else text[:39] + "…"
        self._bar.update(self._task, completed=self._done, description=text)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column

        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(self._label, total=1.0)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress(label: str) -> Iterator[Bar]:
    """Show a bar on stderr, if that is a terminal and the work lasts over half a second.

    Yields
    ------
    Bar
        Called with the fraction done, 0 to 1.
    """
    bar = Bar(label, shown=sys.stderr.isatty())
    try:
        yield bar
    finally:
        bar.close()


@contextmanager
def compiling(bar: Bar) -> Iterator[Spent]:
    """Tell of every kernel that is compiled inside the block, the first use of a codec.

    The bar names each; where there is no terminal one line says why it takes a while.

    Yields
    ------
    Spent
        What compiling took so far, which is no time of the codec.
    """
    from ..measuring.running.warming import compilations

    said = bar.shown

    def tell(kernel: str) -> None:
        nonlocal said
        bar.doing(f"compiling, once: {kernel}")
        if not said:
            said = True
            say("first use: compiling kernels, up to a minute, once")

    with compilations(tell) as spent:
        yield spent


def read_bytes(source: str) -> bytes:
    """Read a file, or stdin for ``-``.

    Raises
    ------
    ImageInputError
        If it cannot be read; exit code 3.
    """
    if source == STDIO:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        message = f"cannot read {source}: {error.strerror}"
        raise ImageInputError(message) from error


@contextmanager
def about(source: str) -> Iterator[None]:
    """Let errors of the block name the file that they are about, their kind kept."""
    name = "stdin" if source == STDIO else source
    try:
        yield
    except FractourError as error:
        if name not in str(error):
            error.args = (f"{name}: {error}", *error.args[1:])
        raise


def check_target(target: str, *, force: bool) -> None:
    """Find out before the work whether its result can be put at `target`.

    Raises
    ------
    OutputError
        If the file exists and `force` is not set, or its folder does not exist.
    UsageError
        If binary data would go to a terminal.
    """
    if target == STDIO:
        if sys.stdout.isatty():
            message = "will not write binary data to a terminal; redirect it or name a file"
            raise UsageError(message)
        return
    path = Path(target)
    if path.is_dir():
        message = f"{target} is a folder; name a file"
        raise OutputError(message)
    if path.is_file() and not force:
        message = f"{target} exists and was kept; --force replaces it"
        raise OutputError(message)
    if not path.parent.is_dir():
        message = f"folder {path.parent} does not exist"
        raise OutputError(message)


def write_bytes(target: str, data: bytes, *, force: bool) -> None:
    """Write a whole file or none: under another name in the same folder first, then renamed.

    Raises
    ------
    OutputError
        If it cannot be written; nothing of it is left behind.
    """
    if target == STDIO:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    check_target(target, force=force)
    # Through a link, the file it points to is replaced, not the link.
    path = Path(os.path.realpath(target))
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as device:
                device.write(data)
            return
        # Short, for the name itself may be as long as names can be.
        part = path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {target}: {error.strerror or error}"
        raise OutputError(message) from error


def kinds_in_words(kinds: dict[str, float]) -> str:
    """Say which part of the bits each kind takes, if the format has several."""
    total = sum(kinds.values())
    if len(kinds) < 2 or not total:
        return ""
    shares = sorted(kinds.items(), key=lambda one: -one[1])
    parts = [f"{kind} {100 * bits / total:.0f} %" for kind, bits in shares if bits >= total / 200]
    return f" ({', '.join(parts)})"
