"""Where the weights of encoder networks lie; needs no torch."""

from __future__ import annotations

import inspect
import os
from importlib.util import find_spec
from pathlib import Path

from ..registry import get_codec

WEIGHTS_VARIABLE = "FRACTOUR_WEIGHTS"
"""Environment variable: a folder whose ``CODEC.safetensors`` go before those of the package."""


def weights_path(codec: str) -> Path | None:
    """Return the file with the weights of a codec's network; None if the codec has no network.

    Returns
    -------
    Path or None
        In the folder of `WEIGHTS_VARIABLE` if it is there, else beside the module of the network;
        it need not exist.
    """
    chosen = get_codec(codec)
    if chosen.network is None:
        return None
    folder = os.environ.get(WEIGHTS_VARIABLE)
    if folder and (own := Path(folder) / f"{codec}.safetensors").exists():
        return own
    module = chosen.network.partition(":")[0].split(".")
    root = Path(inspect.getfile(type(chosen))).resolve()
    # The network's module may belong to another codec's folder, which stands beside this one; a
    # plug-in's may also lie in no folder at all.
    if len(module) > 1 and (beside := root.parent.parent / module[-2]).is_dir():
        return beside / "weights.safetensors"
    return root.parent / "weights.safetensors"


def has_torch() -> bool:
    """Say whether networks can be asked at all."""
    return all(find_spec(name) is not None for name in ("torch", "safetensors"))


def encoder_at_hand(encoder: str) -> str:
    """Name the encoder that is run where `encoder` is asked for: without torch, the search."""
    return encoder if has_torch() or not encoder.startswith("network") else "search"
