"""The suite of storages finds what it is for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
from beautyspot.contracts import BlobStorageBase
from beautyspot.errors import BlobNotFound
from beautyspot.memory import MemoryStorage
from beautyspot_testing.storage import LONG_KEYS, StorageContract


class Library:
    """Opens a place once a process, as LMDB does: what is open already is so in a child too."""

    opened: ClassVar[dict[str, Library]] = {}
    kept: ClassVar[dict[str, dict[str, bytes]]] = {}

    def __init__(self, path: str) -> None:
        if path in self.opened:
            raise RuntimeError(f"The environment '{path}' is already open in this process")
        self.opened[path] = self
        self.pid = os.getpid()
        self.path = path
        self.blobs: dict[str, bytes] | None = self.kept.setdefault(path, {})

    def close(self) -> None:
        self.blobs = None
        self.opened.pop(self.path, None)


class OnceStorage(BlobStorageBase):
    """Keeps its handles in a table, by process ID and path; closes none of the parent's."""

    name = "once"
    handles: ClassVar[dict[tuple[int, str], Library]] = {}

    def __init__(self, place: Path) -> None:
        self.path = str(place)

    def handle(self) -> Any:
        key = os.getpid(), self.path
        if key not in self.handles:
            self.before_open()
            self.handles[key] = Library(self.path)
        return self.handles[key]

    def before_open(self) -> None:
        """What is done about the parent's handles."""

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        self.handle().blobs[key] = bytes(data)
        return key

    def load(self, location: str) -> bytes:
        try:
            return self.handle().blobs[location]
        except KeyError:
            raise BlobNotFound(location) from None


class DroppingStorage(OnceStorage):
    """Closes the parent's handles before it opens its own."""

    def before_open(self) -> None:
        for key in [key for key in self.handles if key[0] != os.getpid()]:
            self.handles.pop(key).close()


class ClosingStorage(DroppingStorage):
    """Closes what other instances hold too."""

    def close(self) -> None:
        self.handle().close()


class ShortStorage(MemoryStorage):
    """Lets its library's own error out for a long key."""

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        if len(key.encode()) > 511:
            raise ValueError("BadValsizeError: unsupported size of key")
        return super().save(key, data, content_type=content_type)


class Suite(StorageContract):
    def __init__(self, cls: type[BlobStorageBase]) -> None:
        self.cls: Any = cls

    def make(self, tmp_path: Path) -> BlobStorageBase:
        made: BlobStorageBase = self.cls(tmp_path)
        return made


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")


@needs_fork
def test_a_handle_of_the_parent_is_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    suite = Suite(OnceStorage)
    with pytest.raises(AssertionError, match="ended by 1"):
        suite.test_a_forked_child_uses_it_too(suite.make(tmp_path), tmp_path)
    assert "already open in this process" in capfd.readouterr().err
    suite = Suite(DroppingStorage)
    suite.test_a_forked_child_uses_it_too(suite.make(tmp_path / "2"), tmp_path / "2")


@needs_fork
def test_a_child_that_dies_is_found(tmp_path: Path) -> None:
    class Deadly(MemoryStorage):
        def load(self, location: str) -> bytes:
            if os.getpid() != parent:
                os._exit(3)
            return super().load(location)

    parent = os.getpid()
    suite = Suite(Deadly)
    suite.persistent = False
    with pytest.raises(AssertionError, match="ended by 3"):
        suite.test_a_forked_child_uses_it_too(Deadly(), tmp_path)


def test_closing_what_others_use_is_found(tmp_path: Path) -> None:
    name = "test_two_instances_share_a_place_and_closing_one_leaves_the_other"
    suite = Suite(ClosingStorage)
    with pytest.raises(TypeError):
        getattr(suite, name)(suite.make(tmp_path), tmp_path)
    suite = Suite(OnceStorage)
    getattr(suite, name)(suite.make(tmp_path / "2"), tmp_path / "2")


@pytest.mark.parametrize("key", LONG_KEYS)
def test_a_librarys_own_error_for_a_long_key_is_found(key: str) -> None:
    suite = Suite(ShortStorage)
    with pytest.raises(ValueError, match="unsupported size"):
        suite.test_a_long_key_is_kept_or_refused(ShortStorage(), key)
