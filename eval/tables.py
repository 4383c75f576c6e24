"""A table as plain data, and the ways to show it: rich on a terminal, TSV, Markdown, JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import rich.table


def finite(value: Any) -> Any:
    """Replace numbers that JSON cannot write by None, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
        What a reader sees.
    value : float or int or str or None
        What a program gets; None where there is no number to give.
    extra : dict
        Further members for programs: ``low`` and ``high`` of an interval, ``n`` and ``of``
        images, ``best`` where a cell is the best of its column.
    """

    text: str
    value: float | int | str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def word(text: str) -> Cell:
    """Make a cell of text."""
    return Cell(text, text)


def number(value: float | int | None, digits: int = 2) -> Cell:
    """Make a cell of a number; empty for None."""
    if value is None:
        return Cell("")
    text = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return Cell("0" + text[2:] if text.strip("-0.") == "" and text[0] == "-" else text, value)


def count(n: int, of: int) -> Cell:
    """Make a cell ``17/24``: how many images there are, instead of a mean that misleads."""
    return Cell(f"{n}/{of}", None, {"n": n, "of": of})


_FRAME = 3  # a column's border and the blanks beside its text


def _lines(label: str) -> str:
    """Break a codec's name before its options, ``wavelet:rank=rd``: there, not inside words."""
    return label.replace(":", "\n:") if "=" in label else label


@dataclass(frozen=True)
class Table:
    """Rows and columns with a title and notes.

    Parameters
    ----------
    name : str
        Identifier, for JSON.
    title : str
    columns : tuple of str
    rows : tuple of tuple of Cell
    notes : tuple of str
        What a reader must know to read the numbers right.
    keys : int
        So many columns, from the first, say what a row is about.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    keys: int = 1

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows)

    def cell(self, first: str, column: str) -> Cell:
        """Return the cell of a column in the row whose first cell reads `first`."""
        row = next(row for row in self.rows if row[0].text == first)
        return row[self.columns.index(column)]

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers (or counts), which are set flush right."""
        return all(not isinstance(row[column].value, str) for row in self.rows)

    def to_tsv(self) -> str:
        """Return tab-separated lines, the column names first, no markup, nothing cut."""
        lines = ["\t".join(self.columns)]
        lines += ["\t".join(cell.text for cell in row) for row in self.rows]
        return "\n".join(lines) + "\n"

    def to_markdown(self) -> str:
        """Return a GitHub table with its title and notes."""

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"

        rule = ["---:" if self.numeric(at) else "---" for at in range(len(self.columns))]
        lines = [f"**{self.title}**", "", line(self.columns), line(rule)]
        lines += [line([cell.text for cell in row]) for row in self.rows]
        if self.notes:
            lines += ["", " ".join(self.notes)]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serialisable description, numbers unrounded."""
        rows = []
        for row in self.rows:
            cells = {}
            for column, cell in zip(self.columns, row, strict=True):
                cells[column] = {"value": cell.value, **cell.extra} if cell.extra else cell.value
            rows.append(finite(cells))
        return {
            "name": self.name,
            "title": self.title,
            "columns": list(self.columns),
            "rows": rows,
            "notes": list(self.notes),
        }

    def _needs(self, column: int) -> int:
        """Characters that a column takes on a terminal if no word is broken."""
        texts = [self.columns[column], *(row[column].text for row in self.rows)]
        words = [len(part) for text in texts for part in _lines(text).split()]
        return max(words, default=0) + _FRAME

    def pieces(self, width: int) -> list[Table]:
        """Split columns so that each piece fits `width` characters with all its words whole.

        Every piece begins with the columns that say what a row is about; the first has the title,
        the last the notes.
        """
        keys = list(range(self.keys))
        start = 1 + sum(map(self._needs, keys))
        groups: list[list[int]] = [[]]
        used = start
        for at in range(self.keys, len(self.columns)):
            if groups[-1] and used + self._needs(at) > width:
                groups.append([])
                used = start
            groups[-1].append(at)
            used += self._needs(at)
        if len(groups) == 1:
            return [self]
        return [
            Table(
                self.name,
                self.title if group is groups[0] else "",
                tuple(self.columns[at] for at in (*keys, *group)),
                tuple(tuple(row[at] for at in (*keys, *group)) for row in self.rows),
                self.notes if group is groups[-1] else (),
                self.keys,
            )
            for group in groups
        ]

    def to_rich(self) -> rich.table.Table:
        """Return a rich table, for terminals."""
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(
            title=self.title or None,
            caption="\n".join(self.notes) or None,
            title_justify="left",
            caption_justify="left",
        )
        for at, column in enumerate(self.columns):
            table.add_column(
                Text(column),
                justify="right" if self.numeric(at) else "left",
                min_width=self._needs(at) - _FRAME,
                no_wrap=at < self.keys,
                # What does not fit goes to the next line; nothing is cut.
                overflow="fold",
            )
        for row in self.rows:
            styles = ("bold green" if cell.extra.get("best") else "" for cell in row)
            table.add_row(
                *(
                    Text(_lines(cell.text) if at < self.keys else cell.text, style=style)
                    for at, (cell, style) in enumerate(zip(row, styles, strict=True))
                )
            )
        return table
