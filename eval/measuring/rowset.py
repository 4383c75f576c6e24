"""The rows of a comparison, arranged by codec, image and budget for tables and plots."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from .store import Row, codec_key

Curve = dict[float, float]


class Results:
    """Rows, arranged for tables.

    Parameters
    ----------
    rows : iterable of dict
        As `store.load_run` gives them; their order is the order of codecs and images.

    Attributes
    ----------
    images, bpps : list
        Names and budgets, without repetition.
    labels : dict
        `store.codec_key` to the label that stands for it in tables.
    configs : dict
        Label to (name of the codec, configuration).
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self.images = list(dict.fromkeys(row["image"] for row in self.rows))
        self.bpps = sorted({row["target_bpp"] for row in self.rows})
        self.labels = _labels(self.rows)
        self.configs = {
            self.labels[codec_key(row)]: (row["codec"], row["config"]) for row in self.rows
        }
        self._by_label: dict[str, list[Row]] = {label: [] for label in self.labels.values()}
        self._by_image: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            label = self.labels[codec_key(row)]
            self._by_label[label].append(row)
            self._by_image.setdefault((label, row["image"]), []).append(row)

    @property
    def codecs(self) -> list[str]:
        """Labels of the codecs, in order."""
        return list(self._by_label)

    def find(self, name: str) -> str | None:
        """Label of a codec that is named by its label, or by its bare name; None if absent.

        Of a codec with several configurations a bare name means the first that was filled by
        search: the configuration that the name meant before it had company.
        """
        if name in self._by_label:
            return name
        mine = [label for label, (codec, _) in self.configs.items() if codec == name]
        found = [label for label in mine if self.configs[label][1].get("encoder") == "search"]
        return next(iter(found or mine), None)

    def counterpart(self, label: str, codec: str) -> str | None:
        """Label of another codec in the same configuration; None if the rows hold none."""
        config = self.configs[label][1]
        return next((name for name, have in self.configs.items() if have == (codec, config)), None)

    def of(self, codec: str, bpp: float | None = None, *, status: str | None = None) -> list[Row]:
        """Rows of a codec, of one budget or of all."""
        return [
            row
            for row in self._by_label[codec]
            if bpp in (None, row["target_bpp"]) and status in (None, row["status"])
        ]

    def measured(self, names: Iterable[str]) -> list[str]:
        """Those of the metrics that some row holds."""
        return [name for name in names if any(row.get(name) is not None for row in self.rows)]

    def values(self, codec: str, bpp: float, field: str) -> dict[str, float]:
        """Image to value, where there is one."""
        rows = self.of(codec, bpp, status="ok")
        return {row["image"]: row[field] for row in rows if row.get(field) is not None}

    def curve(self, codec: str, image: str, field: str, bpps: Sequence[float]) -> Curve:
        """Real bits per pixel to value, for one image."""
        return {
            row["bpp"]: row[field]
            for row in self._by_image.get((codec, image), ())
            if row["status"] == "ok" and row["target_bpp"] in bpps and row.get(field) is not None
        }


def _labels(rows: Iterable[Row]) -> dict[str, str]:
    """Name codecs; where one occurs with several configurations, by what differs."""
    configs: dict[str, dict[str, dict[str, object]]] = {}
    for row in rows:
        configs.setdefault(row["codec"], {})[codec_key(row)] = row["config"]
    labels = {}
    for codec, found in configs.items():
        keys = {key for config in found.values() for key in config}
        differing = sorted(
            key for key in keys if len({json.dumps(c.get(key)) for c in found.values()}) > 1
        )
        for identity, config in found.items():
            parts = [f"{key}={config.get(key)}" for key in differing]
            labels[identity] = ":".join([codec, *parts])
    order = list(dict.fromkeys(codec_key(row) for row in rows))
    return {key: labels[key] for key in order}
