"""A mean of two sets of weights of one network: what fine-tuning found, without losing the start.

Weights trained on from others lie on a line with them along which the network stays good, and
somewhere between it is often better than at both ends, on what it was not trained for
above all [1]_. ::

    python -m fractour.shared.training.averaging START TRAINED SHARE OUT

References
----------
.. [1] M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022,
   doi:10.1109/CVPR52688.2022.00780
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file

from ..errors import FractourError
from ..network.contract import read_recipe, save_weights


def mix(start: Path, trained: Path, share: float, out: Path) -> None:
    """Write the weights ``(1 - share) * start + share * trained``, with both recipes.

    Raises
    ------
    FractourError
        If the files hold different networks, or the share is not 0 to 1.
    """
    if not 0 <= share <= 1:
        message = f"the share of the second weights is 0 to 1, not {share}"
        raise FractourError(message)
    first, second = load_file(str(start)), load_file(str(trained))
    if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
        message = f"{start} and {trained} hold weights of different networks"
        raise FractourError(message)
    mixed = {k: (1 - share) * v.float() + share * second[k].float() for k, v in first.items()}
    # The start is named once more by the recipe of what was trained from it.
    save_weights(out, mixed, {"mixed": share, **read_recipe(trained)})


def main(arguments: Sequence[str] | None = None) -> None:
    """Mix two files."""
    parser = argparse.ArgumentParser(description="Take a mean of two sets of weights.")
    parser.add_argument("start", type=Path)
    parser.add_argument("trained", type=Path)
    parser.add_argument("share", type=float, help="of the second, 0 to 1")
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args(arguments)
    mix(chosen.start, chosen.trained, chosen.share, chosen.out)


if __name__ == "__main__":
    main()
