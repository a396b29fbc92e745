"""What is LocalStorage's own: places on a disk, modes, links, devices, crashes, full disks."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import BlobLocationError, BlobNotFound, ConfigError, StorageError
from beautyspot_local import LocalStorage

KEY = "9f2c41d8/3f/3f5a.bin"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "some" / "blobs"


@pytest.fixture
def storage(base: Path) -> LocalStorage:
    return LocalStorage(base)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if not path.is_dir())


def plant(base: Path, name: str, data: bytes = b"planted") -> Path:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ------------------------------------------------------------------------------------- making


def test_nothing_is_written_before_the_first_blob(storage: LocalStorage, base: Path) -> None:
    assert list(storage.list()) == []
    with pytest.raises(BlobNotFound):
        storage.load(KEY)
    storage.delete(KEY)
    assert storage.sweep() == 0
    assert not base.parent.exists()


@pytest.mark.parametrize("base_dir", ["", "a\0b", None, 7, b"bytes"])
def test_what_is_no_directory_is_refused(base_dir: Any) -> None:
    with pytest.raises(ConfigError, match="give the path of a directory"):
        LocalStorage(base_dir)


def test_fsync_is_a_bool() -> None:
    with pytest.raises(ConfigError, match="give True or False"):
        LocalStorage("x", fsync="false")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "base_dir"),
    [
        ("file:///data/blobs", "/data/blobs"),
        ("file://localhost/data/blobs", "/data/blobs"),
        ("file:///a%20b/%23c?fsync=true", "/a b/#c"),
        ("file:///C:/data", "C:/data"),
        ("file:///c", "/c"),
    ],
)
def test_urls(url: str, base_dir: str) -> None:
    assert LocalStorage.options_from_url(url) == {"base_dir": base_dir}


@pytest.mark.parametrize("url", ["file:data", "file://", "file://host/share", "file:///a#b"])
def test_urls_that_name_no_directory(url: str) -> None:
    with pytest.raises(ConfigError, match="file:///absolute/directory"):
        LocalStorage.options_from_url(url)


# ------------------------------------------------------------------------------------- places


def test_an_absolute_location_inside(storage: LocalStorage, base: Path, tmp_path: Path) -> None:
    location = str(base / storage.save(KEY, b"x"))
    assert storage.load(location) == b"x"
    plant(tmp_path, "some/blobs2/x")
    for elsewhere in (
        str(base),
        f"{base}/../blobs2/x",
        f"{base}2/x",
        str(tmp_path / "some/blobs2/x"),
    ):
        with pytest.raises(BlobLocationError):
            storage.load(elsewhere)
    storage.delete(location)
    assert list(storage.list()) == []


@pytest.mark.parametrize(
    "key",
    [
        *("CON", "nul", "aux.txt", "a/PRN/b", "com1", "LPT9.bin", "com¹.x", "con .txt", "CONIN$"),
        *(
            "a.",
            "a ",
            "a./b",
            "a /b",
            "...",
            "a:b",
            "a?b",
            "a*b",
            'a"b',
            "a<b",
            "a|b",
            "a\nb",
            "a\x7f",
        ),
        *(".tmp-x", "a/.tmp-0123"),
    ],
)
def test_what_one_system_or_another_cannot_have(storage: LocalStorage, key: str) -> None:
    with pytest.raises(BlobLocationError, match="use a relative path"):
        storage.save(key, b"x")
    with pytest.raises(BlobLocationError):
        storage.load(key)


# -------------------------------------------------------------------------- links and devices


def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    storage = LocalStorage(tmp_path / "link")
    assert storage.load(storage.save(KEY, b"x")) == b"x"
    assert [info.location for info in storage.list()] == [KEY]


@pytest.mark.parametrize("location", ["link/secret", "file", "inside", "loop"])
def test_links_are_refused(
    storage: LocalStorage, base: Path, tmp_path: Path, location: str
) -> None:
    secret = plant(tmp_path, "outside/secret")
    plant(base, "real")
    (base / "link").symlink_to(secret.parent)
    (base / "file").symlink_to(secret)
    (base / "inside").symlink_to(base / "real")
    (base / "loop").symlink_to("loop")
    for call in (storage.load, storage.delete, lambda key: storage.save(key, b"")):
        with pytest.raises(BlobLocationError, match="symbolic link"):
            call(location)
    assert secret.read_bytes() == b"planted"
    assert [info.location for info in storage.list()] == ["real"]


def test_a_link_put_there_after_the_check(
    storage: LocalStorage, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(base, "real")
    (base / "link").symlink_to("real")
    monkeypatch.setattr(os, "lstat", os.stat)
    with pytest.raises(BlobLocationError):
        storage.load("link")


def test_a_fifo_does_not_hang(storage: LocalStorage, base: Path) -> None:
    plant(base, "x")
    os.mkfifo(base / "fifo")
    with pytest.raises(BlobLocationError, match="not a plain file"):
        storage.load("fifo")
    assert [info.location for info in storage.list()] == ["x"]


# ------------------------------------------------------------------------------------- saving


def test_modes_are_private(storage: LocalStorage, base: Path) -> None:
    before = os.umask(0)
    try:
        storage.save(KEY, b"x")
    finally:
        os.umask(before)
    path = base / KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, base):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_full_disk_leaves_nothing_behind(storage: LocalStorage, base: Path) -> None:
    """A limit on the size of files stands in for it: the system call fails in the same way."""
    storage.save(KEY, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="room"):
            storage.save(KEY, b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert storage.load(KEY) == b"old"
    assert names(base) == ["3f5a.bin"]


STOPS = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Quota exceeded"),
    OSError(errno.EIO, "Input/output error"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("stop", STOPS)
def test_a_save_that_is_stopped_leaves_nothing_behind(
    storage: LocalStorage, base: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def fail(*_: object) -> int:
        raise stop

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        storage.save(KEY, b"x")
    assert names(base) == []


def test_a_read_only_file_system(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="Read-only file system.*you may write"):
        storage.save(KEY, b"x")


def test_what_may_not_be_read(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    storage.save(KEY, b"x")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="Permission denied") as caught:
        storage.load(KEY)
    assert not isinstance(caught.value, (BlobNotFound, BlobLocationError))
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StorageError, match="can't list"):
        list(storage.list())


def test_fsync_of_file_and_folder(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    path = base / LocalStorage(base, fsync=True).save(KEY, b"x")
    assert synced == [path.stat().st_ino, path.parent.stat().st_ino]
    LocalStorage(base).save(KEY, b"x")
    assert len(synced) == 2


# ----------------------------------------------------------------------- listing and sweeping


KILLED = """
import os, sys
from beautyspot_local import LocalStorage, storage
storage.os.replace = lambda *_: os._exit(7)
LocalStorage(sys.argv[1]).save("a/b", b"x" * 1000)
"""


def test_what_a_killed_process_left_is_swept(storage: LocalStorage, base: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(base)], check=False).returncode == 7
    assert list(storage.list()) == []
    assert len(names(base)) == 1
    storage.save("a/kept", b"x")
    assert storage.sweep() == 0, "it may be a save under way"
    os.utime(base / "a" / names(base)[0], (1, 1))
    assert storage.sweep(3600, "b/") == 0
    assert storage.sweep(3600, "a/") == 1
    assert names(base) == ["kept"]


def test_a_sweep_touches_nothing_else(storage: LocalStorage, base: Path) -> None:
    for name in ("a/b", "a/.tmp", ".tmp-dir/x"):
        plant(base, name)
    assert storage.sweep(-10) == 0
    plant(base, ".tmp-dir/.tmp-1")
    assert storage.sweep(-10) == 1
    with pytest.raises(BlobLocationError):
        storage.sweep(0, "../")


def test_a_folder_is_no_blob(storage: LocalStorage) -> None:
    storage.save(KEY, b"x")
    folder = KEY.partition("/")[0]
    with pytest.raises(BlobNotFound):
        storage.load(folder)
    storage.delete(folder)
    storage.delete(KEY + "/below")
    with pytest.raises(StorageError):
        storage.save(folder, b"x")
    with pytest.raises(StorageError, match="check that"):
        storage.save(KEY + "/below", b"x")
    assert names(storage.base_dir) == ["3f5a.bin"]
