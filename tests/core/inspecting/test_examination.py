"""`examine`: each thing that is wrong is said, with what to do; and nothing is changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryStorage
from rows import put_rows


def found(*args: Any, **options: Any) -> dict[str, list[tuple[str, str]]]:
    """State and text of each finding, by its subject."""
    subjects: dict[str, list[tuple[str, str]]] = {}
    for one in bs.examine(*args, **options):
        subjects.setdefault(one.subject, []).append((one.state, one.text))
    return subjects


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a store in it that has three blobs."""
    monkeypatch.chdir(tmp_path)
    with bs.Spot("app", config=False, strict=True) as spot:
        make = spot.mark(name="make", save_blob=True)(lambda size: bytes(size))
        for size in range(3):
            make(size)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize("write", [False, True])
def test_of_a_sound_store_all_is_well_and_nothing_changes(folder: Path, write: bool) -> None:
    before = content(folder)
    findings = list(bs.examine(write=write))
    assert [one for one in findings if one.state != "ok"] == []
    said = {f"{one.subject}: {one.text}" for one in findings}
    assert f"store: {folder / '.beautyspot' / 'app.db'}" in said
    with bs.open_store() as store:
        own = store.metadata.store_id
    assert "storage local: 3 blobs, none missing and none left over" in said
    assert any(f" of this store ({own})" in line for line in said)
    assert any("a blob was saved" in each for each in said) == write
    assert content(folder) == before


def age(folder: Path, by: float = 7200.0) -> None:
    """Have all results be older."""
    with bs.Spot("app", directory=folder / ".beautyspot", config=False) as spot:
        for record in list(spot.metadata.all_rows()):
            assert record.made_at is not None
            put_rows(spot.metadata, record._replace(made_at=record.made_at - by))


def test_missing_blobs_and_orphans_are_counted(folder: Path) -> None:
    blobs = sorted(path for path in (folder / ".beautyspot" / "blobs").rglob("*") if path.is_file())
    blobs[0].unlink()
    assert not [one for one in found()["storage local"] if one[0] != "ok"], "it may be on its way"
    age(folder)
    moved = blobs[1].with_name(f"{'0' * 32}-00000000.bin")
    moved.write_bytes(b"orphan")
    os.utime(moved, (0, 0))
    [(state, text)] = [one for one in found(folder)["storage local"] if one[0] != "ok"]
    assert state == "warning"
    assert text.startswith("1 of 3 blobs are missing, whose calls are computed again")
    assert "1 blobs (6 bytes) belong to no result (beautyspot collect removes them)" in text


def test_blobs_of_other_stores_are_counted(folder: Path) -> None:
    before = found(folder)["storage local"]
    blobs = folder / ".beautyspot" / "blobs"
    for name in ("abcdef0123456789/0", "abcdef0123456789/1", "below/abcdef0123456780/0"):
        stray = blobs / f"{name}{'0' * 31}-00000000.bin"
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"of another store")
        os.utime(stray, (1_795_000_000, 1_795_000_000))
    [said] = [one for one in found(folder)["storage local"] if "of another store" in one[1]]
    text = "2 blobs (32 bytes) of another store, the newest of 2026-11-18"
    advice = "if it is gone, beautyspot collect --store-id abcdef0123456789 removes them"
    assert said == ("ok", f"{text}: {advice}")
    assert not any("of another store" in text for _, text in before), "nothing to say of none"


def test_where_nothing_is_stored_yet_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subjects = found()
    [(state, text)] = subjects["store"]
    assert state == "warning"
    assert text.startswith("nothing is stored yet, so no write is tried: there is no store in")
    assert subjects["storage local"][0][0] == "ok"
    assert not list(tmp_path.iterdir())
    with pytest.raises(bs.ConfigError, match="there is no store in"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("text", "subject", "said"),
    [
        ("ttl = -1", "configuration", "ttl=-1: give a number of seconds"),
        ('serializer = "pickle"', "serializer pickle", "it loads signed results only"),
        ('serializer = "pickel"', "serializer", "Did you mean 'pickle'?"),
        ('limiter = "often"', "limiter", "no installed plug-in brings the limiter 'often'"),
        ('limiter = "10/never"', "limiter", "10/never"),
        ('metadata = "nowhere://u:hush@x"', "store", "nowhere"),
    ],
)
def test_a_wrong_setting_is_a_problem(
    text: str, subject: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beautyspot.toml").write_text(text)
    problems = [text for state, text in found()[subject] if state == "problem"]
    assert said in problems[0]
    assert "hush" not in problems[0]


# --------------------------------------------------------------------------- storages of plug-ins


class Odd(MemoryStorage):
    """A storage in memory that misbehaves as it is told."""

    name = "odd"
    fault = ""
    ahead = 0.0

    def load(self, location: str) -> bytes:
        return b"other" if self.fault == "bytes" else super().load(location)

    def list(self, prefix: str = "") -> Iterator[bs.BlobInfo]:
        if self.fault == "list":
            raise bs.NotSupportedError("the storage 'odd' can't list its blobs")
        if self.fault == "hush":
            raise OSError("no way to s3://user:hush@bucket")
        for blob in super().list(prefix):
            yield blob._replace(modified_at=time.time() + self.ahead)

    def examine(self) -> Iterator[bs.Finding]:
        yield bs.Finding("warning", "storage odd", "it is odd")


@pytest.mark.parametrize(
    ("fault", "ahead", "expected"),
    [
        ("", 0.0, []),
        ("bytes", 0.0, [("problem", "it gives back other bytes")]),
        ("list", 0.0, [("warning", "its blobs can't be counted, nor collected")]),
        ("hush", 0.0, [("problem", "OSError: no way to s3://***@bucket")]),
        ("", 90.0, [("warning", "its clock is 90 s ahead of this machine's")]),
        ("", -90.0, [("warning", "its clock is 90 s behind this machine's")]),
    ],
)
def test_a_storage_that_misbehaves(
    fault: str, ahead: float, expected: list[tuple[str, str]], folder: Path
) -> None:
    storage = Odd()
    storage.fault, storage.ahead = fault, ahead
    states = [one for one in bs.examine(storage=storage, write=True) if "odd" in one.subject]
    wrong = [(one.state, one.text) for one in states if one.state != "ok"]
    assert ("warning", "it is odd") in wrong
    wrong.remove(("warning", "it is odd"))
    for state, text in expected:
        assert any(each[0] == state and each[1].startswith(text) for each in wrong)
    assert bool(wrong) == bool(expected)
    storage.fault = ""
    assert list(storage.list()) == []
