"""On which file systems the times of files mean what `row_cache` and `immutable_reads` need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from beautyspot.files import mount_of

if TYPE_CHECKING:
    from pathlib import Path

TICKS: Final = 50_000_000
"""Nanoseconds: several ticks of the slowest kernel's clock. A later change has another time."""

_TIMED_BY_THE_KERNEL: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "overlay", "tmpfs", "xfs"}
)
"""Each change of a file there is made by this kernel, which notes the time of each ``write``."""

_MANY_DEVICES: Final = frozenset({"btrfs"})
"""Each of their parts shows a device of its own, which is not the one in the table of mounts."""


def timed_by_the_kernel(path: Path) -> bool:
    """Whether a ``write`` to any file beside `path` surely moves that file's time of change."""
    directory = os.path.realpath(path.parent)
    mount = mount_of(directory)
    if mount is None:
        return False
    kind, device = mount
    known = kind in _MANY_DEVICES or device == _device(directory)
    return known and kind in _TIMED_BY_THE_KERNEL


def _device(directory: str) -> str | None:
    try:
        number = os.stat(directory).st_dev  # noqa: PTH116 - a text, as `realpath` gave it
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}"
