"""Run all that waits for a GPU within so many minutes: ``python -m fractour.eval.gpu --help``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..commands.output import say

_LEAST = 20
"""Seconds that must be left to begin a part."""
_TRIAL = 20
"""Steps that tell how fast training is."""


def _write(path: Path, result: dict[str, Any]) -> None:
    path.write_text(json.dumps(result, indent=1) + "\n")
    say(f"{path.stem}: {json.dumps(result)[:400]}")


def run(pack: Path, out: Path, minutes: float, codec: str | None, only: list[str]) -> None:
    """Run every part in a process of its own, within its limit and what time is left.

    A part that fails, hangs or takes the interpreter with it says so in its file, and the next
    one begins.
    """
    from .parts import PARTS

    end = time.monotonic() + 60 * minutes
    out.mkdir(parents=True, exist_ok=True)
    here = [sys.executable, "-m", "fractour.eval.gpu", "--pack", str(pack), "--out", str(out)]
    for name, (_, limit) in PARTS.items():
        if only and name not in only:
            continue
        left = end - time.monotonic()
        if left < _LEAST:
            _write(out / f"{name}.json", {"error": "no time was left"})
            continue
        _watched([*here, "--part", name], out / f"{name}.json", min(limit, left))
    left = end - time.monotonic() - 5
    if codec and left >= _LEAST:
        words = [*here, "--train", codec, "--part", "train", "--minutes", str(left / 60)]
        _watched(words, out / "train.json", left + 5)


def _watched(words: list[str], file: Path, limit: float) -> None:
    file.unlink(missing_ok=True)
    began = time.monotonic()
    ok = False
    try:
        ended = subprocess.run(
            words, timeout=limit, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        ok = ended.returncode == 0 and file.exists()
        said = f"ended with {ended.returncode}: {ended.stdout[-2000:]}"
    except subprocess.TimeoutExpired as late:
        text = late.stdout or b""
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        said = f"took more than {limit:.0f} s: {text[-2000:]}"
    if file.exists():
        result = json.loads(file.read_text())
    else:
        result = {}
    if not ok:
        result["error"] = said
    _write(file, {**result, "seconds": round(time.monotonic() - began, 1)})


def train(pack: Path, out: Path, minutes: float, codec: str) -> dict[str, Any]:
    """Train for so many minutes from the shipped weights; resumable, a checkpoint a minute.

    A few steps tell how many fit, so that the rate falls to its end in time.
    """
    from ...shared.network.weights import weights_path
    from ...shared.training import loop
    from .pack import read_crops

    end = time.monotonic() + 60 * minutes
    images = read_crops(pack)
    began = time.monotonic()
    folder = out / f"train_{codec}"
    times: list[float] = []
    seen: list[loop.Report] = []

    recipe = loop.Recipe(codec, pictures=32, size=128, rate=1e-3, distill=0.0)

    def run(steps: int, folder: Path, every: int, report: Callable[[loop.Report], None]) -> None:
        loop.train(
            replace(recipe, steps=steps), images, folder, resume=True, start=weights_path(codec),
            accelerator="cuda", every=every, board=False, report=report,
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as aside:
        run(_TRIAL, Path(aside), _TRIAL, lambda _: times.append(time.monotonic()))
    each = (times[-1] - times[_TRIAL // 2]) / (_TRIAL - 1 - _TRIAL // 2)
    trial = time.monotonic() - began
    # A run takes as long as the trial to its end, and then `each` a step.
    steps = _TRIAL + int((end - time.monotonic() - trial) / each)
    kept = folder / "checkpoint.pt"
    if kept.exists():
        steps += int(loop.read_checkpoint(kept, recipe)["step"])
    run(steps, folder, max(1, int(60 / each)), seen.append)
    last = seen[-100:]
    return {
        "codec": codec,
        "steps": steps,
        "steps/s": 1 / each,
        "crops/s": recipe.pictures * recipe.budgets / each,
        "relative first": sum(r.relative for r in seen[:100]) / max(len(seen[:100]), 1),
        "relative last": sum(r.relative for r in last) / max(len(last), 1),
        "minutes": minutes,
    }


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m fractour.eval.gpu", description=__doc__)
    parser.add_argument(
        "--pack", type=Path, default=Path(".gpu/pack.zip"), help="the file that --prepare wrote"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the results")
    parser.add_argument("--minutes", type=float, default=10, help="time for everything")
    parser.add_argument("--train", metavar="CODEC", help="train its network in what is left")
    parser.add_argument("--only", default="", help="these parts alone, with commas")
    parser.add_argument("--prepare", metavar="CORPUS", help="write the pack and end; no GPU")
    parser.add_argument("--generated", type=int, default=200, help="pictures a codec, to prepare")
    parser.add_argument("--collect", type=Path, help="join the results of --out into this file")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.collect:
        from .report import collect

        document = json.dumps(collect(given.out), indent=1)
        given.collect.write_text(document + "\n", encoding="utf-8")
    elif given.prepare:
        import numpy as np

        from ...corpora.catalog import open_corpus
        from ...shared.picture.raster import as_colour
        from .pack import make

        opened = open_corpus(given.prepare)
        images = [np.ascontiguousarray(as_colour(one.load())) for one in opened.images]
        make(given.pack, images, generated=given.generated)
        say(f"{given.pack}: {given.pack.stat().st_size} bytes")
    elif given.part == "train":
        result = train(given.pack, given.out, given.minutes, given.train)
        (given.out / "train.json").write_text(json.dumps(result))
    elif given.part:
        from .parts import PARTS

        file = given.out / f"{given.part}.json"

        def keep(result: dict[str, Any]) -> None:
            file.write_text(json.dumps(result))

        keep(PARTS[given.part][0](given.pack, keep))
    else:
        only = [name for name in given.only.split(",") if name]
        run(given.pack, given.out, given.minutes, given.train, only)


if __name__ == "__main__":
    main()
