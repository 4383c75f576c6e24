"""Every installed codec passes the contract; the registry names what is wrong."""

from __future__ import annotations

import pytest
from fractour.shared import registry
from fractour.shared.conformance import CHECKS, check_codec
from fractour.shared.errors import FractourError, UnknownCodecError


@pytest.mark.parametrize("name", registry.codec_names())
def test_conformance(name: str) -> None:
    results = check_codec(name)
    assert len(results) == len(CHECKS)
    assert [(r.name, r.message) for r in results if not r.ok] == []


def test_conformance_fails_a_codec_that_overspends(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = registry.get_codec("template")
    honest = type(codec).write
    monkeypatch.setattr(
        type(codec), "write", lambda self, p, keep: [*honest(self, p, keep), b"x" * 100]
    )
    failed = {result.name for result in check_codec("template") if not result.ok}
    assert {"shapes", "budgets"} <= failed


def test_conformance_fails_a_codec_that_crashes_on_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = registry.get_codec("template")
    honest = type(codec).read

    def careless(self, geometry, packets, *, complete):
        if packets[0][0] > 41:
            raise IndexError
        return honest(self, geometry, packets, complete=complete)

    monkeypatch.setattr(type(codec), "read", careless)
    failed = {result.name for result in check_codec("template") if not result.ok}
    assert failed == {"missing packets", "hostile bytes"}


def test_numbers_are_unique_and_names_agree() -> None:
    assert len(set(registry.NUMBERS.values())) == len(registry.NUMBERS)
    for row in registry.list_codecs():
        assert row["available"], row["reason"]
        assert registry.NUMBERS[row["number"]] == row["name"]


def test_unknown_codec_lists_the_installed_ones() -> None:
    with pytest.raises(UnknownCodecError, match="wavelet"):
        registry.get_codec("jpegxxl")


def test_a_broken_plugin_is_listed_and_does_not_stop_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        name, value = "acme.broken", "acme:Codec"

        def load(self) -> None:
            raise ImportError("no module named acme")

    entries = {**registry._entries(), "acme.broken": Broken()}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    rows = {row["name"]: row for row in registry.list_codecs()}
    assert rows["acme.broken"]["available"] is False
    assert "no module named acme" in rows["acme.broken"]["reason"]
    assert registry.codec_by_number(2, 1).name == "wavelet"
    with pytest.raises(FractourError, match="acme"):
        registry.get_codec("acme.broken")
    with pytest.raises(UnknownCodecError):
        registry.codec_by_number(88, 1)


def _plugins(monkeypatch: pytest.MonkeyPatch, *codecs: type) -> None:
    class Entry:
        def __init__(self, codec: type) -> None:
            self.name, self.value, self._codec = codec.name, "acme:Codec", codec

        def load(self) -> type:
            return self._codec

    entries = {**registry._entries(), **{codec.name: Entry(codec) for codec in codecs}}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    monkeypatch.setattr(registry, "get_codec", registry.get_codec.__wrapped__)


def test_two_plugins_of_one_number_are_an_error_that_names_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = type(registry.get_codec("template"))
    _plugins(
        monkeypatch,
        type("One", (template,), {"name": "acme.one", "number": 77}),
        type("Two", (template,), {"name": "zeta.two", "number": 77}),
    )
    with pytest.raises(FractourError, match=r"acme\.one.*zeta\.two.*77"):
        registry.codec_by_number(77, 1)
    assert registry.codec_by_number(1, 1).name == "template"


def test_a_network_in_a_top_level_module_has_its_weights_beside_the_codec(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fractour.shared.network import weights

    class Flat(type(registry.get_codec("template"))):
        name, number, network = "acme.flat", 78, "acme_network:Network"

    monkeypatch.setattr(weights, "get_codec", lambda name: Flat())
    path = weights.weights_path("acme.flat")
    assert path is not None
    assert path.name == "weights.safetensors"
