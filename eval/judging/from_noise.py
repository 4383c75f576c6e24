"""From noise to a picture by the gradient of the training loss alone.

What a loss overlooks stays noise: this shows whether an optimiser can follow it all the way. Needs
torch. The pictures are a photograph of the default corpus and a drawn page.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from ...corpora.catalog import open_corpus
from ...corpora.synthetic import manuscript
from ...shared.picture.drawing import rgb, strip
from .metrics import get_metric

_SHOWN = (0, 30, 100, 300, 1000)


def fit(goal: np.ndarray[Any, Any], *, anchored: bool, steps: int, seed: int) -> list[Any]:
    """Return the pictures after `_SHOWN` steps of Adam from grey noise, (H, W, 3) uint8 each."""
    import torch

    from ...shared.network.loss import ANCHORS, NO_ANCHORS, smart_loss

    generator = torch.Generator().manual_seed(seed)
    picture = torch.tensor(goal.transpose(2, 0, 1)[None].astype(np.float32))
    guess = 128 + 40 * torch.randn(picture.shape, generator=generator)
    guess.requires_grad_()
    optimizer = torch.optim.Adam([guess], lr=4.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.1)
    out = []
    for step in range(steps + 1):
        if step in _SHOWN or step == steps:
            shown = guess.detach()[0].clamp(0, 255).round().to(torch.uint8)
            out.append(np.ascontiguousarray(shown.numpy().transpose(1, 2, 0)))
        optimizer.zero_grad()
        smart_loss(picture, guess, anchors=ANCHORS if anchored else NO_ANCHORS).sum().backward()
        optimizer.step()
        schedule.step()
    return out


def main(arguments: list[str] | None = None) -> None:
    """Fit both pictures with and without anchors; write the strip and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="PNG or JPEG; figures go beside it as JSON")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args(arguments)
    psnr, smart = (get_metric(name).function for name in ("psnr_rgb", "smart"))
    photograph = rgb(next(iter(open_corpus("default").images)).load())
    goals = {"photograph": photograph[60:, 160:], "page": rgb(manuscript())[40:, 40:]}
    panels, rows = [], []
    for name, large in goals.items():
        goal = np.ascontiguousarray(large[: options.side, : options.side])
        for anchored in (True, False):
            pictures = fit(goal, anchored=anchored, steps=options.steps, seed=0)
            shown = [at for at in _SHOWN if at < options.steps] + [options.steps]
            panels.append((f"{name}, {'anchors' if anchored else 'no anchors'}", goal))
            for step, picture in zip(shown, pictures, strict=True):
                panels.append((f"{step}: {psnr(goal, picture):.1f} dB", picture))
            rows.append(
                {
                    "picture": name,
                    "anchors": anchored,
                    "steps": options.steps,
                    "psnr_rgb": round(psnr(goal, pictures[-1]), 2),
                    "smart": round(smart(goal, pictures[-1]), 4),
                }
            )
    from PIL import Image

    Image.fromarray(
        strip(panels, columns=2 + len([at for at in _SHOWN if at < options.steps]))
    ).save(options.out, quality=85)
    options.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
