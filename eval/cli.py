"""The ``fractour`` command: what it is called with, and how it ends.

Nothing heavy is imported here or in the modules of commands: ``--help`` must come at once.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .commands import (
    bench,
    compare,
    existing,
    files,
    inventory,
    presenting,
    report,
    show,
    train,
)
from .commands.examples import epilog
from .commands.output import CarriedError, Command, OutputError, UsageError, notice, say
from .commands.tiny.placeholder import placeholder

OK, FAILED, USAGE, BAD_INPUT, MISSING_PART, INTERRUPTED = 0, 1, 2, 3, 4, 130

_EPILOG = (
    "Exit codes: 0 ok; 1 failed (a check failed, the budget cannot be reached, the output "
    "exists); 2 usage; 3 bad input; 4 an optional part or a corpus is missing; 130 interrupted. "
    "Data goes to stdout, everything else to stderr; - is stdin or stdout; tables are "
    "tab-separated when stdout is not a terminal."
)

app = typer.Typer(
    name="fractour",
    help="Image codecs whose files are plain integer mathematics, and their honest comparison.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        sys.stdout.write(f"fractour {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; goes anywhere.")
    ] = False,
) -> None:
    pass


for _command in (
    files.encode,
    files.decode,
    placeholder,
    existing.info,
    existing.trim,
    show.show,
    existing.metrics,
    compare.compare,
    bench.bench,
    report.report,
    train.train,
    inventory.codecs,
    inventory.check,
    inventory.doctor,
):
    app.command(cls=Command, epilog=epilog(_command.__name__))(_command)
app.add_typer(inventory.corpora)


def _exit_code(error: Exception) -> int:
    """Map an error that the user can do something about to its exit code; -1 if it is a fault."""
    from ..shared import errors

    table: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
        ((UsageError,), USAGE),
        (
            (
                OutputError,
                inventory.CheckFailedError,
                presenting.RowsFailedError,
                errors.BudgetError,
            ),
            FAILED,
        ),
        (
            (errors.BitstreamError, errors.ImageTooLargeError, errors.ImageInputError),
            BAD_INPUT,
        ),
        # A codec named on the command line is checked before; here a file asks for it.
        ((errors.BackendUnavailableError, errors.UnknownCodecError), MISSING_PART),
        ((errors.FractourError, OSError, MemoryError), FAILED),
    )
    return next((code for kinds, code in table if isinstance(error, kinds)), -1)


def _report(error: Exception, *, debug: bool) -> int:
    """Print one line about an error; return the exit code."""
    # typer's own usage errors; their class is click's or typer's, depending on the version.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "fractour"
        text = str(error.format_message())
        if type(error).__name__ == "NoArgsIsHelpError":
            say(text)
        else:
            say(f"error: {' '.join(text.split()).rstrip('.')}; see {path} --help")
        return int(error.exit_code)
    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    code = _exit_code(error)
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        say("error: not enough memory")
    elif code < 0:
        say(f"error: internal: {type(error).__name__}: {text}; please report it with --debug")
    else:
        say(f"error: {text}")
    return abs(code)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    notice(" ".join(str(message).split()))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.
    """
    debug = "--debug" in arguments
    rest = [argument for argument in arguments if argument != "--debug"]
    command = typer.main.get_command(app)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        try:
            result = command.main(args=rest, prog_name="fractour", standalone_mode=False)
        except (KeyboardInterrupt, typer.Abort):
            result = INTERRUPTED
        except BrokenPipeError:
            # The reader of stdout has gone (head, less); Python's own flush must not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except CarriedError as carried:
            return _report(carried.error, debug=debug)
        except Exception as error:
            return _report(error, debug=debug)
    if result == INTERRUPTED:
        say("interrupted")
    return int(result or OK)


def main() -> None:
    """Run the ``fractour`` command and exit."""
    # Without standard error (cron, 2>&-) Python has None there, which nothing can write to.
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    # A terminal that cannot show a sign gets another; an hour of measuring is not lost to it.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))
