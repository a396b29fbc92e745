"""Files: private ones, plain ones, what to do where a disk is full, which file system they are on.

The mode that is asked for is not the one that comes, where the umask takes more away than it has to
(`open(2)`, `mkdir(2)`). Changed is only what was just made.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from beautyspot.errors import ConfigError

READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""The flags to open a file to read it, which never waits for a FIFO."""


def absolute(path: str | os.PathLike[str], option: str) -> Path:
    """The absolute path: the program may change its working directory later.

    Raises:
        ConfigError: there is no working directory now, in which a relative path would start.
    """
    try:
        return Path(path).absolute()
    except OSError as error:
        raise ConfigError(
            f"{option}={str(path)!r} starts in the working directory, and that is gone: give an "
            "absolute path, or change to a folder that is there"
        ) from error


def make_folder(folder: Path) -> None:
    """Make one folder in one that is there: 0700, whatever the umask takes away.

    Raises:
        FileExistsError: something is there; its mode is left as it is.
        OSError: it can't be made.
    """
    folder.mkdir(mode=0o700)
    with suppress(OSError, NotImplementedError):  # the next access meets it as well
        if folder.lstat().st_mode & 0o700 != 0o700:  # by the umask
            folder.chmod(0o700, follow_symlinks=False)  # it may have been exchanged since


def create(path: str | Path, flags: int) -> int:
    """A descriptor of a new file: 0600, whatever the umask takes away.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be made.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    if os.fstat(descriptor).st_mode & 0o600 != 0o600:
        with suppress(OSError):  # a file system that has no modes
            os.fchmod(descriptor, 0o600)
    return descriptor


def open_plain(path: str, flags: int = 0) -> int:
    """A descriptor of a plain file to read, also an opener for `open`; never waits for a FIFO.

    Raises:
        OSError: there is none, or it is a folder, a FIFO, a socket or a device.
    """
    descriptor = os.open(path, flags | READ)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "a folder", path)
    raise OSError(errno.EINVAL, "not a plain file", path)


# ---------------------------------------------------------------------------------- shortage

FILES: Final = (
    "the process has too many files open: have it close some, or raise its limit (ulimit -n)"
)
ROOM: Final = "free some space on the disk"

NO_ROOM: Final = f"the disk is full: {ROOM}"
NO_INODES: Final = "the disk holds as many files as it can: delete some"

ENOUGH: Final = 65_536
"""Bytes that SQLite needs to begin: 32 KiB to share, and a log."""

_REMEDIES: Final = {
    errno.EMFILE: FILES,
    errno.ENFILE: "all processes together have too many files open: close some (ulimit -n)",
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
}
_ABOUT_FILES: Final = "(ulimit -n)"
_DEPTH: Final = 20


def _is_of_files(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def lack(folder: Path) -> str:
    """What to do where the file system of `folder` has no more room; "" where it has some."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):  # Windows has none
        return ""
    if found.f_bavail * found.f_frsize < ENOUGH:
        return NO_ROOM
    return NO_INODES if found.f_files and not found.f_favail else ""


def advised(advice: str, error: BaseException) -> str:
    """The advice, in which another remedy takes the place of what follows its colon.

    That is where the error, or what it was raised from, is of too many open files.
    """
    each: BaseException | None = error
    for _ in range(_DEPTH):  # a chain may be a ring
        if each is None:
            break
        if isinstance(each, OSError) and _is_of_files(each):
            now = advice.partition(":")[0]
            return now if _ABOUT_FILES in str(error) else f"{now}: {_REMEDIES[each.errno or 0]}"
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return advice


# ------------------------------------------------------------------------------ file systems

_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPES: Final = {"040": " ", "011": "\t", "012": "\n", "043": "#", "134": "\\"}

_NETWORK: Final = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs"}
    | {"fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs"}
)


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that `path` is on, or None; only Linux tells."""
    mount = mount_of(os.path.realpath(path))
    return mount[0] if mount is not None and mount[0] in _NETWORK else None


def mount_of(real: str) -> tuple[str, str] | None:
    """Kind and device (``major:minor``) of an absolute path's mount; None where nothing tells.

    The path has no links. The table of mounts is that of proc_pid_mountinfo(5).

    It is the last one on the way to the path, which hides those before, above and below.
    """
    if sys.platform != "linux":
        return None
    found = None
    try:
        with _MOUNTS.open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                fields = line.split()
                place = fields[4]
                for digits, character in _ESCAPES.items():  # the backslash last
                    place = place.replace(f"\\{digits}", character)
                if real == place or real.startswith(f"{place.rstrip('/')}/"):
                    found = fields[fields.index("-", 6) + 1], fields[2]
    except OSError:
        return None
    return found
