"""The contract, in memory and in files; and what is this storage's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import beautyspot as bs
import fsspec
import pytest
from beautyspot_testing.storage import StorageContract

from beautyspot_fsspec import FsspecStorage


class TestFiles(StorageContract):
    def make(self, tmp_path: Path) -> FsspecStorage:
        return FsspecStorage(f"file://{tmp_path}/blobs")


class TestMemory(StorageContract):
    @pytest.fixture(autouse=True)
    def _empty(self) -> Iterator[None]:
        yield
        fsspec.filesystem("memory").store.clear()

    def make(self, tmp_path: Path) -> FsspecStorage:
        return FsspecStorage(f"memory://{tmp_path.name}/blobs")


@pytest.mark.parametrize("url", ["memory://cache", "fsspec+memory://cache"])
def test_a_url_selects_it(url: str) -> None:
    with bs.Spot("app", storage=url, metadata="memory", config=False, strict=True) as spot:
        assert isinstance(spot.storage, FsspecStorage)
        loud = spot.mark(save_blob=True)(str.upper)
        assert loud("a") == loud("a") == "A"
        assert spot.stats()["hits"] == 1


def test_a_table_reaches_what_has_no_scheme_here(tmp_path: Path) -> None:
    table = {"use": "fsspec", "url": f"dir::file://{tmp_path}", "path": str(tmp_path)}
    with bs.Spot("app", storage=table, metadata="memory", config=False) as spot:
        assert isinstance(spot.storage, FsspecStorage)


def test_a_cut_off_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = FsspecStorage(f"file://{tmp_path}")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(fsspec.filesystem("file"), "mv", fail)
    with pytest.raises(bs.StorageError, match="no space left"):
        storage.save("a/b", b"x")
    assert list((tmp_path / "a").iterdir()) == []


def test_a_part_of_a_save_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(b"half")
    assert list(FsspecStorage(f"file://{tmp_path}").list()) == []


def test_a_place_out_of_reach_says_what_to_install() -> None:
    with pytest.raises(bs.StorageError, match="nobody"):
        FsspecStorage("nobody://x").load("a/b")
