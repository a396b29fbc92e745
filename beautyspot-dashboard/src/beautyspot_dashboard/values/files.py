"""`ValueFile`: a value as a file of ours, which was checked while it was copied.

The digest of a value is that of all its bytes, so a part can't be checked by itself. Each value is
copied once, whole; every view, range and download reads the copy. Copies are in a private folder
with bounded room, which goes when the process ends; what a killed one left, the next one removes.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from beautyspot import StorageError
from beautyspot_cli.formats import size
from starlette.exceptions import HTTPException

from beautyspot_dashboard.values.media_types import BYTES, TEXT, plain_type, sniffed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from beautyspot import Store, TaskRecord

LARGEST_COPY: Final = 2**30
"""Bytes of a value that is copied."""

_ROOM: Final = 2**30
"""Bytes of all copies but the newest: `/tmp` may be memory."""

_PREFIX: Final = "beautyspot-dashboard-"
_UNUSED: Final = 86400.0
"""Seconds after which a folder that nobody has read or written in belongs to no dashboard."""

_PACKED: Final = "application/msgpack"
_LARGEST_PACKED: Final = 300_000
"""Bytes: longer `bytes` and `str` are never packed."""

_BEGINNINGS: Final = frozenset({*range(0xA0, 0xC0), 0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB})
"""First bytes of `bytes` and `str` in MessagePack."""


class TooLargeError(HTTPException):
    """A value is too large for what is asked.

    Args:
        most: bytes of one that is not.
    """

    def __init__(self, most: int) -> None:
        super().__init__(413, f"this shows values of up to {size(most)}")


@dataclass(frozen=True)
class ValueFile:
    """The bytes of a value, checked; those of `bytes` and `str` without what they are packed in.

    Attributes:
        path: where they are.
        content_type: as it was stored.
        kind: the type of the bytes as `plain_type` gives it, or by how they begin.
        is_media: whether they are the value itself, for viewers, and not a stored form.
        size: how many there are.
        filename: a name for a file of them.
    """

    path: Path
    content_type: str
    kind: str
    is_media: bool
    size: int
    filename: str

    def read(self, start: int = 0, size: int = -1) -> bytes:
        """The bytes from one place on; fewer than `size` at the end."""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)


_lock: Final = Lock()
_known: Final[OrderedDict[Hashable, ValueFile]] = OrderedDict()
_folders: Final[list[str]] = []


def file_of(store: Store, record: TaskRecord) -> ValueFile:
    """The checked file of a result, copied unless it is there.

    Raises:
        TooLargeError: it has more than `LARGEST_COPY` bytes.
        BeautyspotError: it is damaged, or can't be read.
        StorageError: there is no room for the copy.
    """
    told = (record.digest, record.size, record.result_value, record.made_at, record.updated_at)
    mark = (store.place, store.signing_keys is not None, record.cache_key, told)
    with _lock:
        found = _known.get(mark)
        if found is not None and found.path.exists():
            _known.move_to_end(mark)
            return found
    made = _copied(store, record)
    with _lock:
        gone = [_known.pop(mark)] if mark in _known else []
        _known[mark] = made
        while sum(each.size for each in list(_known.values())[:-1]) > _ROOM:
            gone.append(_known.popitem(last=False)[1])
    for each in gone:
        with suppress(OSError):  # somebody removed it, or Windows still sends it
            each.path.unlink()
    return made


def _copied(store: Store, record: TaskRecord) -> ValueFile:
    content = store.content(record.cache_key)
    if (content.size or 0) > LARGEST_COPY:
        raise TooLargeError(LARGEST_COPY)
    copied = 0
    try:
        file = tempfile.NamedTemporaryFile(dir=_folder(), delete=False)  # noqa: SIM115 - it is below
        path = Path(file.name)
        try:
            with file:
                for part in content.chunks():
                    copied += len(part)
                    if copied > LARGEST_COPY:
                        raise TooLargeError(LARGEST_COPY)
                    file.write(part)
            kind, is_media, name = content.content_type, content.is_media, content.filename
            made = ValueFile(path, kind, plain_type(kind), is_media, copied, name)
            if made.kind == BYTES and is_media:
                return replace(made, kind=sniffed(made.read(0, 400)) or BYTES)
            return _unpacked(store, record, made)
        except BaseException:
            path.unlink()
            raise
    except OSError as error:
        raise StorageError(
            f"the value can't be copied to be shown ({error}): make room for temporary files, or "
            "set TMPDIR to another folder"
        ) from error


def _unpacked(store: Store, record: TaskRecord, file: ValueFile) -> ValueFile:
    """The file of the value itself, if that is short `bytes` or a short `str`."""
    if file.content_type != _PACKED or file.size > _LARGEST_PACKED:
        return file
    if not _BEGINNINGS.intersection(file.read(0, 1)):
        return file
    value = store.value(record.cache_key)
    stem = file.filename.rpartition(".")[0]
    if type(value) is str:
        data, kind, extension = value.encode("utf-8", "backslashreplace"), TEXT, "txt"
    elif type(value) is bytes:
        data, kind = value, sniffed(value) or BYTES
        extension = "bin" if kind == BYTES else kind.rpartition("/")[2]
    else:
        return file
    file.path.write_bytes(data)
    return replace(
        file,
        content_type=kind,
        kind=kind,
        is_media=True,
        size=len(data),
        filename=f"{stem}.{extension}",
    )


def _folder() -> str:
    """The folder of this process, made anew if somebody removed it."""
    with _lock:
        if not _folders or not Path(_folders[-1]).exists():
            for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
                with suppress(OSError):  # somebody else's
                    if left.stat().st_mtime < time.time() - _UNUSED:
                        shutil.rmtree(left, ignore_errors=True)
            _folders.append(tempfile.mkdtemp(prefix=_PREFIX))
            atexit.register(shutil.rmtree, _folders[-1], ignore_errors=True)
        return _folders[-1]
