"""Write plain files by their descriptors, in as few calls of the system as can be."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beautyspot.files import mount_of

if TYPE_CHECKING:
    from beautyspot.contracts import Readable

_TO_READ: Final = 0o400 if os.name == "posix" else 0o600  # Windows deletes none that is read-only

RESERVED: Final = 2**17
"""Bytes from which on blocks are reserved; a smaller write takes as long without."""

_PART: Final = 2**20
"""Bytes of a file that are in memory while it is copied."""


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
