"""A storage for beautyspot in every place that fsspec reaches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import beautyspot as bs
from beautyspot.contracts import Data, checked_key

OURS = ("gs", "gcs", "az", "abfs", "adl", "sftp", "ssh", "ftp", "smb", "hdfs", "oci", "memory")
RENAMING = {"file", "local", "sftp", "ssh", "ftp", "smb", "hdfs"}  # the others put whole objects
NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
TIMES = ("mtime", "last_modified", "LastModified", "modified", "updated", "created")


class FsspecStorage(bs.BlobStorageBase):
    """Stores blobs below a URL; further options go to fsspec's file system."""

    name = "fsspec"
    schemes = (*OURS, *(f"fsspec+{scheme}" for scheme in (*OURS, "file", "s3")))

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url, options

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        return {"url": url.removeprefix("fsspec+")}

    def _place(self, key: str = "") -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # heavy: imported with the first blob

        # Ask each time: fsspec keeps one file system for each thread and each process.
        fs, root = url_to_fs(self._url, **self._options)
        return fs, f"{root.rstrip('/')}/{key}"

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        with _explained(f"save {key!r:.80}"):
            fs, path = self._place(_sound(key))
            names = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
            if RENAMING.isdisjoint(names):
                fs.pipe_file(path, bytes(data))
            else:
                _write_and_rename(fs, path, bytes(data))
        return key

    def load(self, location: str) -> bytes:
        with _explained(f"load {location!r:.80}"):
            fs, path = self._place(_sound(location))
            return bytes(fs.cat_file(path))

    def delete(self, location: str) -> None:
        with suppress(bs.BlobNotFound), _explained(f"delete {location!r:.80}"):
            fs, path = self._place(_sound(location))
            if fs.isfile(path):
                fs.rm_file(path)

    def list(self, prefix: str = "") -> Iterator[bs.BlobInfo]:
        fs, root = self._place()
        path = root + (_sound(prefix.removesuffix("/")) if prefix else "")
        fs.invalidate_cache()
        for found, info in fs.find(path, detail=True).items():
            if found.startswith(root + prefix) and not found.endswith(".part"):
                when = next((info[name] for name in TIMES if info.get(name)), 0.0)
                if isinstance(when, str | datetime):
                    when = datetime.fromisoformat(str(when)).timestamp()
                yield bs.BlobInfo(found.removeprefix(root), info["size"], float(when))


def _write_and_rename(fs: Any, path: str, data: bytes) -> None:
    part = f"{path}.{os.urandom(4).hex()}.part"
    fs.makedirs(path.rpartition("/")[0], exist_ok=True)
    try:
        fs.pipe_file(part, data)
        fs.mv(part, path)
    except BaseException:
        if fs.exists(part):
            fs.rm_file(part)
        raise


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except NOT_THERE:
        raise bs.BlobNotFound(f"can't {what}: it is not there") from None
    except bs.BeautyspotError:
        raise
    except Exception as exc:  # such as ImportError: "Please install gcsfs ..."
        raise bs.StorageError(f"can't {what}: {exc}: look at the file system") from exc


def _sound(key: str) -> str:
    parts = checked_key(key, "that file system").split("/")
    if len(key.encode()) > 900 or any(len(part.encode()) > 230 for part in parts):
        raise bs.BlobLocationError(f"{key!r:.80} is too long for a blob: join short names by /")
    return key


@bs.hookimpl
def beautyspot_register_storage() -> type[bs.BlobStorageBase]:
    return FsspecStorage
