"""The suite of storages finds what it is for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from beautyspot.contracts import BlobStorageBase
from beautyspot.memory import MemoryStorage
from beautyspot_testing.storage import LONG_KEYS, StorageContract


class ClosingStorage(MemoryStorage):
    """Closes what other instances of its place hold too."""

    places: ClassVar[dict[str, list[ClosingStorage]]] = {}

    def __init__(self, place: Path) -> None:
        super().__init__()
        self._others = self.places.setdefault(str(place), [])
        self._others.append(self)
        self._blobs = self._others[0]._blobs

    def close(self) -> None:
        for one in self._others:
            one._blobs = None  # type: ignore[assignment]  # as a library that is closed


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


@pytest.mark.parametrize(
    "broken",
    [
        {"save": lambda _self, _key, _data, **_: None},
        {"load": lambda _self, _location: None},
        {"load": lambda _self, _location: bytearray(b"x")},
        {"load_part": lambda _self, _location, _start, _size: b"0123456789"},
    ],
)
def test_a_wrong_answer_is_found(broken: dict[str, Any]) -> None:
    suite, storage = Suite(MemoryStorage), type("Wrong", (MemoryStorage,), broken)()
    is_part = "load_part" in broken
    test: Any = suite.test_a_part_is_loaded if is_part else suite.test_what_was_saved_is_loaded
    with pytest.raises(AssertionError):
        test(storage, *((3, 4) if is_part else (b"data",)))


def test_closing_what_others_use_is_found(tmp_path: Path) -> None:
    name = "test_two_instances_share_a_place_and_closing_one_leaves_the_other"
    suite = Suite(ClosingStorage)
    with pytest.raises(TypeError):
        getattr(suite, name)(suite.make(tmp_path), tmp_path)


@pytest.mark.parametrize("key", LONG_KEYS)
def test_a_librarys_own_error_for_a_long_key_is_found(key: str) -> None:
    suite = Suite(ShortStorage)
    with pytest.raises(ValueError, match="unsupported size"):
        suite.test_a_long_key_is_kept_or_refused(ShortStorage(), key)


def test_a_torn_write_is_found() -> None:
    class Torn(MemoryStorage):
        looked = threading.Event()
        saves = 0

        def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
            super().save(key, data[:-1])
            self.saves += 1
            self.looked.clear()
            if self.saves > 1:  # while it is read
                self.looked.wait(30)
            return super().save(key, data)

        def load(self, location: str) -> bytes:
            data = super().load(location)
            self.looked.set()
            return data

    suite = Suite(Torn)
    suite.writes = 1
    with pytest.raises(AssertionError, match="mixed or cut"):
        suite.test_no_reader_sees_a_part(Torn())
