"""What CONTRIBUTING tells the author of a plug-in works, word for word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

BLOCK = re.compile(r"<!-- plug-in -->\n```(\w+)\n(.*?)```", re.S)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the section's package in it, as an installation would leave it."""
    root = Path(__file__).parents[2]
    blocks = dict(BLOCK.findall((root / "CONTRIBUTING.md").read_text("utf-8")))
    place = tmp_path_factory.mktemp("plugin")
    clone = place / "clone"
    clone.mkdir()
    (clone / "codecs").symlink_to(root / "codecs")
    subprocess.run(["bash", "-ec", blocks["bash"]], cwd=clone, check=True)
    project = tomllib.loads(blocks["toml"])
    entries = project["project"]["entry-points"]["fractour.codecs"]
    package = place / "acme-haar"
    info = package / "acme_haar-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-haar\nVersion: 0.1\n")
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[fractour.codecs]\n{lines}")
    for name in project["tool"]["setuptools"]["packages"]:
        assert (package / name / "__init__.py").is_file()
    return {**os.environ, "PYTHONPATH": str(package)}


def fractour(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "fractour", *words]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_plugin_is_found_beside_the_built_in_codecs(environment: dict[str, str]) -> None:
    rows = {
        row["name"]: row for row in json.loads(fractour(environment, "codecs", "--json"))["codecs"]
    }
    assert rows["acme.haar"]["available"], rows["acme.haar"]
    assert rows["acme.haar"]["number"] == 64
    assert rows["template"]["available"]


@pytest.mark.slow
def test_the_plugin_passes_the_checks(environment: dict[str, str]) -> None:
    checks = json.loads(fractour(environment, "check", "acme.haar", "--json"))["checks"]
    assert len(checks) > 8
    assert all(check["ok"] for check in checks)
