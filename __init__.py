"""fractour: image codecs whose language is plain integer mathematics.

The public face. Everything is loaded on first use, so ``import fractour`` stays cheap.

Examples
--------
>>> import numpy as np, fractour
>>> image = np.zeros((16, 16, 3), np.uint8)
>>> data = fractour.encode(image, codec="wavelet", budget=64)
>>> len(data) <= 64
True
>>> fractour.decode(data).shape
(16, 16, 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .shared.api import decode, encode, info, show, show_svg, trim
    from .shared.budget import Budget
    from .shared.decoding import decode_many
    from .shared.errors import FractourError
    from .shared.pillow_plugin import register_pillow
    from .shared.tiny.placeholder import data_uri, placeholder

__version__ = "0.1.0"

_HOMES = {
    "Budget": "budget",
    "FractourError": "errors",
    "data_uri": "tiny.placeholder",
    "decode": "api",
    "decode_many": "decoding",
    "encode": "api",
    "info": "api",
    "placeholder": "tiny.placeholder",
    "register_pillow": "pillow_plugin",
    "show": "api",
    "show_svg": "api",
    "trim": "api",
}

__all__ = [
    "Budget",
    "FractourError",
    "__version__",
    "data_uri",
    "decode",
    "decode_many",
    "encode",
    "info",
    "placeholder",
    "register_pillow",
    "show",
    "show_svg",
    "trim",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    import importlib

    return getattr(importlib.import_module(f".shared.{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
