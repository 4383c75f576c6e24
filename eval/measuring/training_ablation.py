"""What training choices are worth: short runs from the same start, judged on pictures held back.

::

    python -m fractour.eval.measuring.training_ablation --corpus DIR \
        --out eval/results/training.json

Each variant goes on from the same weights (``--start``) for the same number of steps. Figures
are means of the logarithm of the error, relative to the float twin without a network, at each
budget: -0.05 is an error 5 % smaller. Needs fractour[train].
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...corpora.catalog import open_corpus
from ...shared.network.weights import weights_path

BPPS = (0.05, 0.1, 0.25, 0.5)
_HELD_BACK = 10
"""Every tenth picture is held back."""
_LEAST_SIDE = 256


def _variants(recipe: Any) -> dict[str, Any]:
    return {
        "weighting reachable": recipe,
        "weighting inverse (1/N)": replace(recipe, weighting="inverse"),
        "weighting none": replace(recipe, weighting="none"),
        "loss mse": replace(recipe, loss="mse", distill=0.0),
        "no teacher": replace(recipe, distill=0.0),
        "one budget, 0.1 bpp": replace(recipe, low=0.1, high=0.1),
        "one budget, 0.5 bpp": replace(recipe, low=0.5, high=0.5),
    }


def judged(network: Any, pictures: Any) -> list[float]:
    """Mean logarithm of the relative smart error of (n, 3, H, W) pictures at `BPPS`."""
    import torch

    from ...shared.training.losses import LOSSES

    judge, out = LOSSES["smart"], []
    with torch.no_grad():
        for bpp in BPPS:
            ratios = []
            for picture in pictures:
                found = network.reconstruct(picture[None], torch.tensor([bpp]))
                error, plain = (judge(picture[None], x) for x in (found.pixels, found.plain))
                ratios.append(float(torch.log(error / plain)))
            out.append(round(sum(ratios) / len(ratios), 4))
    return out


def _markdown(rows: list[dict[str, Any]], steps: int) -> str:
    lines = [
        "**Training choices: logarithm of the smart error relative to no network**",
        "",
        "| variant | " + " | ".join(f"{bpp:g} bpp" for bpp in BPPS) + " |",
        "| --- | " + " | ".join("---:" for _ in BPPS) + " |",
    ]
    for row in rows:
        figures = " | ".join(f"{value:+.4f}" for value in row["log_relative"])
        lines.append(f"| {row['variant']} | {figures} |")
    lines += [
        "",
        f"Float twin, pictures held back from training, {steps} steps from one start; smart error, "
        "reachable weighting and a teacher of weight 0.1 where nothing else is said.",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Train and judge every variant."""
    import torch

    from ...shared.network.contract import load_weights, network_class
    from ...shared.training.loop import Recipe, train

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", default="wavelet")
    parser.add_argument("--corpus", default="default")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--start", type=Path, help="weights; those of the package if not given")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    corpus = open_corpus(options.corpus)
    images = [image.load() for image in corpus.images]
    images = [i for i in images if i.ndim == 3 and i.shape[2] == 3]
    held = [i for i in images[::_HELD_BACK] if min(i.shape[:2]) >= _LEAST_SIDE][:24]
    middle = [i[:_LEAST_SIDE, :_LEAST_SIDE].transpose(2, 0, 1).astype(np.float32) for i in held]
    pictures = torch.from_numpy(np.stack(middle))
    trained = [image for at, image in enumerate(images) if at % _HELD_BACK]
    start = options.start or weights_path(options.codec)
    recipe = Recipe(
        options.codec, pictures=2, budgets=3, steps=options.steps, rate=5e-4, distill=0.1, seed=7
    )
    network = network_class(options.codec)()
    load_weights(network, start)
    rows = [{"variant": "the start", "log_relative": judged(network, pictures)}]
    for name, variant in _variants(recipe).items():
        with tempfile.TemporaryDirectory() as folder:
            weights = train(variant, trained, Path(folder), start=start, board=False)
            load_weights(network, weights)
        rows.append({"variant": name, "log_relative": judged(network, pictures)})
        if not all(math.isfinite(value) for value in rows[-1]["log_relative"]):
            message = f"{name} did not train"
            raise ArithmeticError(message)
        document = {
            "what": "training",
            "codec": options.codec,
            "corpus_sha256": corpus.checksum,
            "steps": options.steps,
            "rows": rows,
            "markdown": _markdown(rows, options.steps),
        }
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
