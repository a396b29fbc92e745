"""Which file system a path is on; only Linux tells (proc_pid_mountinfo(5)).

SQLite's WAL mode needs memory that all its users share, so it works on no network file system; and
the times that files of ours carry mean what `beautyspot.row_cache` makes of them on some only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NamedTuple

_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPES: Final = {"040": " ", "011": "\t", "012": "\n", "043": "#", "134": "\\"}

_NETWORK: Final = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs"}
    | {"fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs"}
)
_TIMED_BY_THE_KERNEL: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "overlay", "tmpfs", "xfs"}
)
"""Whoever changes a file there goes by this kernel, which notes the time of each ``write``."""

_MANY_DEVICES: Final = frozenset({"btrfs"})
"""Each of their parts shows a device of its own, which is not the one in the table of mounts."""


class Mount(NamedTuple):
    """A line of the table of mounts."""

    kind: str
    device: str  # major:minor


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that `path` is on, or None."""
    mount = _mount(os.path.realpath(path))
    return mount.kind if mount is not None and mount.kind in _NETWORK else None


def timed_by_the_kernel(path: Path) -> bool:
    """Whether a ``write`` to any file beside `path` surely moves that file's time of change."""
    directory = os.path.realpath(path.parent)
    mount = _mount(directory)
    if mount is None or mount.kind not in _TIMED_BY_THE_KERNEL:
        return False
    return mount.kind in _MANY_DEVICES or mount.device == _device(directory)


def _device(directory: str) -> str | None:
    try:
        number = os.stat(directory).st_dev  # noqa: PTH116 - a text, as `realpath` gave it
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}"


def _mount(real: str) -> Mount | None:
    """The last mount on the way to the path: it hides what was mounted before, above and below."""
    if sys.platform != "linux":
        return None
    found = None
    try:
        with _MOUNTS.open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                fields = line.split()
                if _leads_to(_unescaped(fields[4]), real):
                    found = Mount(fields[fields.index("-", 6) + 1], fields[2])
    except OSError:
        return None
    return found


def _leads_to(place: str, real: str) -> bool:
    return real == place or real.startswith(f"{place.rstrip('/')}/")


def _unescaped(place: str) -> str:
    for digits, character in _ESCAPES.items():  # the backslash last
        place = place.replace(f"\\{digits}", character)
    return place
