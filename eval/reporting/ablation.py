"""What the exotic part of a format buys: each codec beside itself with that part left out.

A codec names such codecs in `shared.codec.Codec.ablations`; ``compare`` adds them and prints,
image by image, the bytes that the codec saves over each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...shared.errors import UnknownCodecError
from ...shared.registry import get_codec
from ..judging.metrics import METRICS
from ..measuring.anchors import ANCHORS
from ..measuring.measure import DEFAULTS, CodecSpec
from ..measuring.rowset import Results
from ..tables import Cell, Table, number, word
from .bdrate import BDError, bd_rate


def _ablations(codec: str) -> tuple[str, ...]:
    if codec in ANCHORS:
        return ()
    try:
        return get_codec(codec).ablations
    except UnknownCodecError:  # an old run, of a codec that is no longer there
        return ()


def with_ablations(specs: Sequence[CodecSpec]) -> list[CodecSpec]:
    """Add to `specs` the ablations that its codecs name, each behind its codec.

    An ablation that lacks the encoder of its codec is left out: nothing could be paired.
    """
    out: list[CodecSpec] = []
    for spec in specs:
        encoder = (DEFAULTS | spec.config)["encoder"]
        names = [n for n in _ablations(spec.codec) if encoder in get_codec(n).encoders]
        wanted = [spec, *(CodecSpec(name, spec.config) for name in names)]
        out += [one for one in wanted if one not in out and (one is spec or one not in specs)]
    return out


def ablation_table(
    results: Results,
    codec: str,
    ablation: str,
    metric: str = "psnr_rgb",
    *,
    low: float = 0.05,
    high: float = 0.5,
) -> Table:
    """BD-rate of `codec` against `ablation`, image by image.

    Parameters
    ----------
    results : Results
    codec, ablation : str
        Labels of codecs in the results.
    metric : str
    low, high : float
        Budgets in bits per pixel that are used, both included.
    """
    what = METRICS[metric]
    bpps = [bpp for bpp in results.bpps if low <= bpp <= high]
    body, values = [], []
    for image in results.images:
        base, mine = (results.curve(name, image, metric, bpps) for name in (ablation, codec))
        try:
            points = (base.keys(), base.values(), mine.keys(), mine.values())
            value = bd_rate(*points, scale=what.scale).value
        except BDError:
            body.append((word(image), Cell("-")))
            continue
        values.append(value)
        body.append((word(image), number(value)))
    mean = number(math.fsum(values) / len(values)) if values else Cell("-")
    return Table(
        f"{codec}_over_{ablation}",
        f"What {codec} adds to {ablation}: BD-rate in {what.label}, image by image",
        ("image", "BD-rate %"),
        (*body, (word("mean"), mean)),
        (f"Negative: {codec} needs fewer bytes than {ablation}. {len(values)} images count.",),
    )


def ablation_tables(results: Results) -> list[Table]:
    """Tables of all pairs of codec and ablation that the results hold."""
    # The same encoder, effort and rule on both sides, or the pair compares two things.
    return [
        ablation_table(results, label, ablation)
        for label, (codec, _) in results.configs.items()
        for name in _ablations(codec)
        if (ablation := results.counterpart(label, name)) is not None
    ]
