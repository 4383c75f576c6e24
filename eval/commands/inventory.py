"""Commands that look around: codecs, corpora, check, doctor. Heavy modules load on use."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated, Any

import typer

from .examples import epilog
from .options import Json, among, complete_codec
from .output import (
    STDIO,
    Command,
    UsageError,
    about,
    print_json,
    print_table,
    progress,
    read_bytes,
    say,
)


class CheckFailedError(Exception):
    """What was checked is not as it should be; exit code 1."""


def codecs(as_json: Json = False) -> None:
    """List the installed codecs, those that fail to load included."""
    from ...shared.registry import list_codecs

    rows = list_codecs()
    if as_json:
        print_json({"codecs": rows})
        return
    print_table(
        ["name", "number", "version", "encoders", "available", "summary"],
        [
            (
                row["name"],
                row.get("number"),
                row.get("version"),
                " ".join(row.get("encoders", ())),
                row["available"],
                row.get("summary") or row["reason"],
            )
            for row in rows
        ],
    )


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="Codec, .frc file, or -.", autocompletion=complete_codec
        ),
    ],
    as_json: Json = False,
) -> None:
    """Check a codec against the contract, or a file for damage.

    A codec that fails ends in exit code 1, a damaged file in 3.
    """
    from ...shared.registry import codec_names

    if what in codec_names():
        _check_codec(what, as_json)
    elif what == STDIO or Path(what).exists() or Path(what).suffix == ".frc":
        _check_file(what, as_json)
    else:
        message = f"{what!r} is neither a file nor an installed codec ({', '.join(codec_names())})"
        raise UsageError(message)


def _check_codec(name: str, as_json: bool) -> None:
    from ...shared.conformance import check_codec

    with progress(f"checking {name}") as update:
        results = list(check_codec(name, progress=update))
    failed = [result.name for result in results if not result.ok]
    if as_json:
        print_json(
            {
                "codec": name,
                "ok": not failed,
                "checks": [
                    {"name": result.name, "ok": result.ok, "message": result.message}
                    for result in results
                ],
            }
        )
    else:
        print_table(
            ["check", "ok", "message"],
            [(result.name, result.ok, result.message) for result in results],
        )
    if failed:
        message = f"codec {name!r} fails {len(failed)} of {len(results)}: {', '.join(failed)}"
        raise CheckFailedError(message)


def _check_file(source: str, as_json: bool) -> None:
    import hashlib

    from ...shared.api import decode
    from ...shared.api import info as describe

    data = read_bytes(source)
    with about(source):
        pixels = decode(data)
        facts = describe(data)
    report = {
        "file": source,
        "ok": True,
        "codec": facts["codec"],
        "bytes": len(data),
        "width": facts["width"],
        "height": facts["height"],
        "complete": facts["complete"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }
    if as_json:
        print_json(report)
    else:
        print_table(["field", "value"], list(report.items()))


corpora = typer.Typer(
    name="corpora",
    help="List, verify and fetch corpora.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@corpora.command("list", cls=Command, epilog=epilog("list"))
def corpora_list(as_json: Json = False) -> None:
    """List the corpora on this machine, and what is known but missing."""
    rows = _corpora_found()
    if as_json:
        print_json({"corpora": rows})
        return
    print_table(
        ["name", "images", "source"],
        [(row["name"], row["images"], row["source"] or row["remedy"]) for row in rows],
    )


def _corpora_found() -> list[dict[str, Any]]:
    from ...corpora.catalog import corpus_names, open_corpus
    from ...shared.errors import FractourError

    rows: list[dict[str, Any]] = []
    for name in corpus_names():
        try:
            corpus = open_corpus(name)
        except FractourError as error:
            rows.append(
                {"name": name, "available": False, "images": 0, "source": "", "remedy": str(error)}
            )
        else:
            rows.append(
                {
                    "name": name,
                    "available": True,
                    "images": len(corpus),
                    "source": corpus.source,
                    "remedy": "",
                }
            )
    return rows


@corpora.command("verify", cls=Command, epilog=epilog("verify"))
def corpora_verify(
    name: Annotated[str, typer.Argument(help="Name, folder or image file.")],
    as_json: Json = False,
) -> None:
    """Compare images with the manifest, or see that they can be read."""
    from ...corpora.catalog import open_corpus
    from ...shared.errors import FractourError

    corpus = open_corpus(name)
    rows: list[tuple[str, str]] = []
    notes: dict[str, str] = {}
    with progress(f"verifying {name}") as update:
        for index, image in enumerate(corpus.images):
            update(index / len(corpus))
            try:
                problem = image.problem()
                notes[image.name] = "" if problem else "; ".join(image.inspect())
            except FractourError as error:
                problem = str(error)
            rows.append((image.name, problem))
    bad = [image for image, problem in rows if problem]
    checksum = None if bad else corpus.checksum
    if as_json:
        images = [
            {"name": image, "ok": not bad_why, "problem": bad_why, "note": notes.get(image, "")}
            for image, bad_why in rows
        ]
        print_json({"corpus": corpus.name, "ok": not bad, "checksum": checksum, "images": images})
    else:
        said = [(image, problem or notes[image] or "ok") for image, problem in rows]
        print_table(["image", "problem"], said)
    if bad:
        message = f"corpus {name!r}: {len(bad)} of {len(rows)} images: {', '.join(bad)}"
        raise CheckFailedError(message)
    say(f"{corpus.name}: {len(rows)} images, checksum {checksum}")


@corpora.command("fetch", cls=Command, epilog=epilog("fetch"))
def corpora_fetch(
    name: Annotated[str, typer.Argument(help="kodak", autocompletion=among("kodak"))],
    as_json: Json = False,
) -> None:
    """Download a corpus, every file checked.

    It goes into FRACTOUR_DATA if that is set, else into the user's cache.
    """
    from ...corpora.catalog import fetch_folder
    from ...corpora.manifest import fetch, read_manifest

    if name != "kodak":
        message = f"corpus {name!r} has no download; only kodak has, see corpora/README.md"
        raise UsageError(message)
    folder = fetch_folder(name)
    with progress(f"fetching {name}") as update:
        count = fetch(read_manifest(name), folder, progress=update)
    if as_json:
        print_json({"corpus": name, "folder": str(folder), "fetched": count})
    else:
        say(f"{name}: {count} files fetched to {folder}")


_PARTS = {
    "numpy": "",
    "numba": "",
    "pillow": "",
    "scipy": "",
    "typer": "",
    "rich": "",
    "matplotlib": "report",
    "jinja2": "report",
    "scikit-image": "report",
    "ssimulacra2": "report",
    "torch": "neural",
    "safetensors": "neural",
    "cupy-cuda12x": "cuda12",
    "cupy-cuda13x": "cuda13",
}
"""Distributions that fractour uses, and the extra that brings each."""


def _versions() -> list[dict[str, Any]]:
    from importlib.metadata import PackageNotFoundError, version

    rows: list[dict[str, Any]] = []
    for part, extra in _PARTS.items():
        try:
            rows.append({"part": part, "version": version(part), "remedy": ""})
        except PackageNotFoundError:
            remedy = f"pip install 'fractour[{extra}]'" if extra else f"pip install {part}"
            rows.append({"part": part, "version": None, "remedy": remedy})
    return rows


def _backends() -> list[dict[str, Any]]:
    from ...shared.backend import BACKENDS, get_array_module
    from ...shared.errors import FractourError

    rows = []
    for name in BACKENDS:
        try:
            get_array_module(name)
        except FractourError as error:
            rows.append({"backend": name, "available": False, "reason": str(error)})
        else:
            rows.append({"backend": name, "available": True, "reason": ""})
    return rows


def _warmed(names: list[str]) -> dict[str, Any]:
    """Compile what codecs need for grey and colour, on all cores; the others find it ready."""
    import os
    import time

    from ...corpora.catalog import open_corpus
    from ..measuring.measure import CodecSpec, Task
    from ..measuring.running.pool import run_pool, shared_cores

    images = {image.load().ndim: image for image in open_corpus("synthetic").images}
    # No budgets: nothing is measured, only made ready.
    plan = [(image, CodecSpec.parse(name), ()) for name in names for image in images.values()]

    def task_of(image: Any, spec: CodecSpec, budgets: tuple[float, ...]) -> Task:
        return Task(image.name, "", image.load(), spec, budgets)

    jobs = os.cpu_count() or 1
    started = time.perf_counter()
    with progress("making codecs ready") as update, shared_cores(jobs):
        update.doing("making codecs ready")
        run_pool(plan, task_of, jobs, lambda row: None, update.doing)
    return {"codecs": names, "seconds": round(time.perf_counter() - started, 1)}


def doctor(
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile what every codec needs now, on all cores.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is installed, what is missing, what would bring it."""
    import os

    from PIL import features

    from ... import __version__
    from ...shared.network.weights import weights_path
    from ...shared.registry import list_codecs

    known = list_codecs()
    loaded = [row["name"] for row in known if row["available"]]
    weights = [
        name for name in loaded if (path := weights_path(name)) is not None and path.exists()
    ]
    anchors = {
        name: bool(features.check(feature))
        for name, feature in (
            ("jpeg", "jpg"),
            ("jpeg2000", "jpg_2000"),
            ("webp", "webp"),
            ("avif", "avif"),
        )
    }
    report: dict[str, Any] = {
        "fractour": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "parts": _versions(),
        "backends": _backends(),
        "codecs": [{key: row[key] for key in ("name", "available", "reason")} for row in known],
        "weights": weights,
        "anchors": anchors,
        "corpora": _corpora_found(),
    }
    if warm:
        names = [row["name"] for row in report["codecs"] if row["available"]]
        report["warmed"] = _warmed(names)
    if as_json:
        print_json(report)
        return
    rows: list[tuple[str, str, str, str]] = [
        ("fractour", "", __version__, ""),
        ("python", "", f"{report['python']} on {report['platform']}, {report['cpus']} CPUs", ""),
    ]
    rows += [
        ("part", row["part"], row["version"] or "missing", row["remedy"]) for row in report["parts"]
    ]
    for kind, key in (("backend", "backend"), ("codec", "name")):
        rows += [
            (kind, row[key], "ok" if row["available"] else "missing", row["reason"])
            for row in report[f"{kind}s"]
        ]
    rows += [
        ("anchor", name, "ok" if there else "missing", "" if there else "a Pillow built with it")
        for name, there in anchors.items()
    ]
    rows.append(("weights", " ".join(weights), "ok" if weights else "none in this version", ""))
    rows += [
        (
            "corpus",
            row["name"],
            f"{row['images']} images" if row["available"] else "missing",
            row["remedy"],
        )
        for row in report["corpora"]
    ]
    if warm:
        found = report["warmed"]
        rows.append(("kernels", " ".join(found["codecs"]), f"ready in {found['seconds']} s", ""))
    print_table(["what", "name", "state", "remedy"], rows)
