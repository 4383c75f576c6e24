"""The cache of compiled kernels is an optimization: whatever becomes of it, kernels run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fractour.shared import compiled as module


def _add(values: np.ndarray) -> int:
    total = 0
    for i in range(values.shape[0]):
        total += values[i]
    return total


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_cache_folder", lambda: str(tmp_path))
    return tmp_path


def test_damaged_files_are_thrown_away_and_written_anew(folder: Path) -> None:
    values = np.arange(5)
    assert module.compiled(_add)(values) == 10
    for ending in ("*.nbi", "*.nbc"):
        kept = list(folder.rglob(ending))
        assert kept
        for path in kept:
            path.write_bytes(b"")
        assert module.compiled(_add)(values) == 10
        again = module.compiled(_add)
        assert again(values) == 10
        assert sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_costs_the_cache_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import caching

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_index", full)
    assert module.compiled(_add)(np.arange(4)) == 6


def test_without_any_folder_kernels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cache_folder", lambda: None)
    assert module.compiled(_add)(np.arange(4)) == 6


def test_a_folder_is_tried_by_writing_and_the_next_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = module._usable
    find = module._cache_folder.__wrapped__
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    beside = Path(module.__file__).parent / "__pycache__"
    monkeypatch.setattr(module, "_usable", lambda path: beside not in path.parents and usable(path))
    assert Path(find()).is_relative_to(tmp_path / "xdg")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    last = find()
    assert last is not None
    assert not Path(last).is_relative_to(tmp_path / "xdg")
    Path(last).rmdir()

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(module.Path, "home", homeless)
    monkeypatch.setattr(module.tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(OSError()))
    assert find() is None


def test_a_folder_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = module._cache_folder.__wrapped__
    monkeypatch.setenv("FRACTOUR_CACHE", str(tmp_path / "asked"))
    found = find()
    assert Path(found).parent == tmp_path / "asked"
    assert Path(found).is_dir()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("FRACTOUR_CACHE", str(tmp_path / "file"))
    assert Path(find()) != Path(found)


def test_kernels_take_integers_of_all_sizes_from_kernels() -> None:
    """One compilation serves them all; Python's way in is apart."""
    add = module.compiled(_plus)
    seen = np.array([1], np.uint8)
    small = np.array([2], np.int32)

    @module.compiled
    def outer(a: np.ndarray, b: np.ndarray) -> int:
        return add(a[0], b[0]) + add(a[0] > 0, 7) + add(b[0], 1 << 40)

    assert outer(seen, small) == 3 + 8 + 2 + (1 << 40)
    assert add(3, 4) == 7
    assert len(add.signatures) == 1


def _plus(a: int, b: int) -> int:
    return a + b
