"""A storage of beautyspot for every place that fsspec reaches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import beautyspot as bs
from beautyspot.contracts import Data

beautyspot_api = 1

OURS = ("gs", "gcs", "az", "abfs", "adl", "sftp", "ssh", "ftp", "smb", "hdfs", "oci", "memory")
RENAMING = {"file", "local", "sftp", "ssh", "ftp", "smb", "hdfs"}  # the others put whole objects
NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
TIMES = ("mtime", "last_modified", "LastModified", "modified", "updated", "created")


class FsspecStorage(bs.BlobStorageBase):
    """Keeps blobs below a URL; further options go to the file system that fsspec makes."""

    name = "fsspec"
    schemes = (*OURS, *(f"fsspec+{scheme}" for scheme in (*OURS, "file", "s3")))

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url, options

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        return {"url": url.removeprefix("fsspec+")}

    def _place(self, key: str = "") -> tuple[Any, str]:
        # Asked each time: fsspec remembers one a thread and process, so that a fork does no harm.
        try:
            from fsspec.core import url_to_fs  # heavy: imported with the first blob

            fs, root = url_to_fs(self._url, **self._options)
        except Exception as exc:  # such as ImportError: "Please install gcsfs ..."
            raise bs.StorageError(f"no file system for the storage: {exc}") from exc
        return fs, f"{root.rstrip('/')}/{key}"

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        fs, path = self._place(_sound(key))
        renames = RENAMING & {*(fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol}
        part = f"{path}.{os.urandom(4).hex()}.part" if renames else path
        try:
            if renames:
                fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            fs.pipe_file(part, bytes(data))
            if renames:
                fs.mv(part, path)
        except Exception as exc:
            if renames and fs.exists(part):
                fs.rm_file(part)
            raise bs.StorageError(f"can't save {key!r}: {exc}: look at the file system") from exc
        return key

    def load(self, location: str) -> bytes:
        fs, path = self._place(_sound(location))
        try:
            return bytes(fs.cat_file(path))
        except NOT_THERE:
            raise bs.BlobNotFound(f"nothing at {location!r}: the result is made again") from None
        except Exception as exc:
            raise bs.StorageError(f"can't load {location!r}: {exc}: is it reachable?") from exc

    def delete(self, location: str) -> None:
        fs, path = self._place(_sound(location))
        try:
            if fs.isfile(path):
                fs.rm_file(path)
        except NOT_THERE:
            return  # another process was faster
        except Exception as exc:
            raise bs.StorageError(f"can't delete {location!r}: {exc}: may you?") from exc

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


def _sound(key: str) -> str:
    parts = key.split("/")
    bad = any(sign in "\0\\" or "\ud800" <= sign <= "\udfff" for sign in key)
    bad = bad or len(key.encode()) > 900 or any(len(part.encode()) > 230 for part in parts)
    if bad or {"", ".", ".."}.intersection(parts):
        raise bs.BlobLocationError(f"{key!r:.80} is no path of a blob: join short names by /")
    return key


@bs.hookimpl
def beautyspot_register_storage() -> type[bs.BlobStorageBase]:
    return FsspecStorage
