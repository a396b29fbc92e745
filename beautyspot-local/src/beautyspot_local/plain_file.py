"""Read and write plain files by their descriptors, in as few calls of the system as can be."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from io import FileIO
from typing import TYPE_CHECKING, Final

from beautyspot.files import mount_of

if TYPE_CHECKING:
    from beautyspot.contracts import Readable

# O_NONBLOCK: a FIFO in a blob's place must not make the reader hang.
_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
)

REFUSES_LINKS: Final = hasattr(os, "O_NOFOLLOW")
"""Whether `open_plain` itself refuses a link; not on Windows."""

_AT_ONCE: Final = 2**30
"""Bytes that every system reads in one call; Linux ends at 2 GiB."""

_TO_READ: Final = 0o400 if os.name == "posix" else 0o600  # Windows deletes none that is read-only

RESERVED: Final = 2**17
"""Bytes from which on blocks are reserved; a smaller write takes as long without."""

_PART: Final = 2**20
"""Bytes of a file that are in memory while it is copied."""


def open_plain(path: str) -> tuple[int, int]:
    """A descriptor to read a plain file, and its size; never waits for a FIFO.

    Raises:
        OSError: there is none, or it is a folder, a link, a FIFO, a socket or a device.
    """
    descriptor = os.open(path, _READ)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return descriptor, found.st_size
    os.close(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder", path)
    raise OSError(errno.ENXIO, "not a plain file", path)


def read(descriptor: int, size: int) -> bytes:
    """The whole file; `size` is what the system said of it."""
    if 0 < size <= _AT_ONCE:
        data = os.read(descriptor, size)
        if len(data) == size:
            return data
        os.lseek(descriptor, 0, os.SEEK_SET)
    with FileIO(descriptor, closefd=False) as file:
        return file.readall()


def read_part(descriptor: int, start: int, size: int) -> bytes:
    """At most `size` bytes from `start` on."""
    with FileIO(descriptor, closefd=False) as file:
        file.seek(start)
        data = bytearray()
        while part := file.read(size - len(data)):  # Linux reads at most 2 GiB a call
            data += part
    return bytes(data)


def write(descriptor: int, content: memoryview) -> None:
    """Write all bytes of a flat view."""
    while content:
        content = content[os.write(descriptor, content) :]  # Linux writes at most 2 GiB a call


def write_reserved(descriptor: int, content: memoryview) -> None:
    """The same, once the blocks are the file's: see `reserving_pays`."""
    os.posix_fallocate(descriptor, 0, len(content))
    write(descriptor, content)


def reserving_pays(folder: str) -> bool:
    """Whether a large write is faster into blocks that were reserved for it.

    On ext4 it takes six tenths of the time, with the time of `fsync` nine tenths. Elsewhere it
    takes as long or longer, and where the file system can't, the C library writes to each block.
    """
    mount = mount_of(os.path.realpath(folder))
    return mount is not None and mount[0] == "ext4"


def copy(file: Readable, descriptor: int) -> None:
    """Write all that is left in a file, and let nobody write to the copy any more."""
    while part := file.read(_PART):
        write(descriptor, memoryview(part))
    with suppress(OSError, AttributeError):  # a file system, or a Windows, that has no modes
        os.fchmod(descriptor, _TO_READ)
