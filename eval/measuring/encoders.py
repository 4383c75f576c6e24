"""The encoders of one format: which to compare, and which rows belong to one format.

A target format may be filled by search, by a network, or by a network and some refinement
(`shared.codec.Codec.encoders`). ``compare --encoders`` measures them at equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...shared.encoding import ENCODERS
from ...shared.errors import BackendUnavailableError, FractourError
from ...shared.network.weights import encoder_at_hand
from ...shared.registry import get_codec
from .anchors import ANCHORS
from .measure import CodecSpec
from .rowset import Results

BASE = "search"
"""What the others are compared with."""


def with_encoders(
    specs: Sequence[CodecSpec], encoders: Sequence[str]
) -> tuple[list[CodecSpec], dict[str, list[str]]]:
    """Replace each target format by one entry per encoder; anchors stay as they are.

    Parameters
    ----------
    specs : sequence of CodecSpec
    encoders : sequence of str
        In the order in which tables shall show them.

    Returns
    -------
    expanded : list of CodecSpec
    missing : dict
        Codec to those of `encoders` that it lacks, where there are any.

    Raises
    ------
    FractourError
        If no codec of `specs` has one of `encoders`, and the contract does not know it either;
        or if nothing is left to compare.
    """
    expanded: list[CodecSpec] = []
    missing: dict[str, list[str]] = {}
    known = dict.fromkeys(ENCODERS)
    for spec in specs:
        if spec.codec in ANCHORS:
            expanded.append(spec)
            continue
        have = get_codec(spec.codec).encoders
        known.update(dict.fromkeys(have))
        lacks = [encoder for encoder in encoders if encoder not in have]
        if lacks:
            missing[spec.codec] = lacks
        filled = [CodecSpec(spec.codec, {**spec.config, "encoder": way}) for way in encoders]
        expanded += [one for one in filled if one.config["encoder"] in have and one not in expanded]
    unknown = [encoder for encoder in encoders if encoder not in known]
    if unknown or not encoders:
        named = f"no encoder {unknown[0]!r}" if unknown else "no encoder is named"
        message = f"{named}; there are {', '.join(known)}"
        raise FractourError(message)
    if all(spec.codec in ANCHORS for spec in expanded):
        message = (
            f"none of these codecs has the encoder {' or '.join(encoders)}; "
            "see the encoders that `fractour codecs` lists"
        )
        raise FractourError(message)
    return expanded, missing


def require_encoders(specs: Sequence[CodecSpec]) -> None:
    """Refuse to measure an encoder that is not at hand: its rows would be those of the search.

    Raises
    ------
    BackendUnavailableError
        If one of `specs` names a network, and torch is missing.
    """
    for spec in specs:
        encoder = spec.config.get("encoder", BASE)
        if encoder_at_hand(encoder) != encoder:
            message = (
                f"encoder {encoder!r} of {spec.codec} needs torch, which is not installed: "
                "pip install 'fractour[neural]', or compare without it"
            )
            raise BackendUnavailableError(message)


def encoders_by_format(results: Results) -> dict[str, dict[str, str]]:
    """Find the formats that were filled in several ways.

    Returns
    -------
    dict
        Format (label without its encoder) to encoder to label. Only encoders whose effort and
        rule are the same stand under one format.
    """
    groups: dict[str, dict[str, str]] = {}
    for label, (codec, config) in results.configs.items():
        if "encoder" in config:
            rest = {key: value for key, value in config.items() if key != "encoder"}
            key = json.dumps([codec, rest], sort_keys=True)
            groups.setdefault(key, {})[config["encoder"]] = label
    found = {}
    for ways in groups.values():
        if len(ways) > 1:
            label = next(iter(ways.values()))
            parts = [part for part in label.split(":") if not part.startswith("encoder=")]
            found[":".join(parts)] = ways
    return found
