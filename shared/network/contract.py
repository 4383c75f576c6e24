"""The contract of an encoder network, and its weights as they are shipped."""

from __future__ import annotations

import importlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FractourError
from ..registry import get_codec
from .weights import weights_path


@dataclass(frozen=True)
class Reconstruction:
    """What the float twin makes of the survivors.

    Parameters
    ----------
    pixels : (B, 3, H, W) tensor
        Code values, not clipped.
    plain : (B, 3, H, W) tensor
        What the same budget gives without the network's word; no gradient.
    bits : (B,) tensor
        Bits spent, by the twin's prices; at most the budget.
    penalty : (B,) tensor
        Further terms of the loss, relative to 1.
    proposed : tensor, optional
        What `EncoderNetwork.teach` compares with the teacher.
    """

    pixels: Tensor
    plain: Tensor
    bits: Tensor
    penalty: Tensor
    proposed: Tensor | None = None


class EncoderNetwork(nn.Module, ABC):
    """A network that fills one format under a budget."""

    fixed_shapes = False
    """Whether `reconstruct` and `teach` never look at values to know a shape: a GPU then repeats
    a training step by itself, see `shared.training.captured`."""

    @abstractmethod
    def reconstruct(self, pictures: Tensor, bpp: Tensor) -> Reconstruction:
        """Propose, quantize, price, rank, cut at the budget and decode, with a gradient.

        Parameters
        ----------
        pictures : (B, 3, H, W) float tensor
            Code values 0 to 255.
        bpp : (B,) float tensor
        """

    def teach(self, pictures: Tensor, found: Reconstruction, gradient: Tensor) -> Tensor:
        """Return the distance to a teacher, (B,), given the error's gradient at `found.plain`."""
        return torch.zeros_like(found.bits)


def network_class(codec: str) -> type[EncoderNetwork]:
    """Return the class of a codec's network.

    Raises
    ------
    FractourError
        If the codec has none.
    """
    place = get_codec(codec).network
    if place is None:
        message = f"codec {codec!r} has no encoder network; encode with --encoder search"
        raise FractourError(message)
    module, _, name = place.partition(":")
    found: type[EncoderNetwork] = getattr(importlib.import_module(module), name)
    return found


def save_weights(path: Path, state: dict[str, Tensor], recipe: dict[str, Any]) -> None:
    """Write weights as float16 with the recipe that made them."""
    from safetensors.torch import save

    half = {name: value.detach().to(torch.float16).contiguous() for name, value in state.items()}
    data = save(half, metadata={"recipe": json.dumps(recipe, sort_keys=True)})
    # Not save_file, whose files nobody but their owner may read.
    path.write_bytes(data)


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the recipe of weights."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as opened:
        recipe: dict[str, Any] = json.loads((opened.metadata() or {}).get("recipe", "{}"))
    return recipe


def load_weights(network: EncoderNetwork, path: Path) -> None:
    """Read weights into a network.

    Raises
    ------
    FractourError
        If the file does not belong to this network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict({k: v.float() for k, v in load_file(str(path)).items()})
    except (RuntimeError, OSError, ValueError, SafetensorError) as error:
        message = f"{path} holds no weights of {type(network).__name__}: {error}"
        raise FractourError(message) from error


@cache
def trained_network(codec: str) -> EncoderNetwork:
    """Return the network of a codec with its weights, see `weights.weights_path`.

    Raises
    ------
    FractourError
        If the codec has no network, or it was not trained.
    """
    path = weights_path(codec)
    if path is None or not path.exists():
        message = f"the network of {codec!r} has no weights; train it: fractour train {codec}"
        raise FractourError(message)
    network = network_class(codec)()
    load_weights(network, path)
    return network.eval()
