"""`LocalStorage`: blobs as plain files in a directory.

A blob's location is its key, the path *below* the directory. So the directory may be moved, renamed
or mounted elsewhere, and every row that points into it stays right.

Saves are atomic by POSIX `rename(2)`: the bytes go to a temporary file beside the target, which
then takes the target's name in one step. A process that dies in between leaves a file named
``.tmp-…``, which `LocalStorage.list` skips and `LocalStorage.sweep` removes.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from beautyspot.contracts import BlobInfo, BlobStorageBase, checked
from beautyspot.errors import BlobLocationError, BlobNotFound, ConfigError, StorageError
from beautyspot.files import absolute, network_file_system, open_plain

from beautyspot_local import plain_file
from beautyspot_local.folders import created, is_private, mark_when_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot import Finding
    from beautyspot.contracts import Context, Data, Readable

_TEMPORARY: Final = ".tmp-"

_CHECK: Final = (
    "check that the directory is there, that you may write into it, and that the disk has room"
)

_WRONG: Final = r"""(?ix)
      [\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]   # in no file name, on one system or another
    | (?:^|[ ./])(?:/|\Z)                     # empty, absolute, or a part ending in . or space
    | (?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ ]*(?:[./]|\Z)  # devices
    | (?:^|/)\.tmp-                           # ours
    """
"""What no key may contain, on any system, so that a directory can move from one to another.

The names and characters that Windows reserves:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

_is_ours: Final = re.compile(
    r"[0-9a-f]{8,64}/(?:clock/)?[0-9a-f]{32}-[0-9a-f]{8}\.[a-z0-9]{1,16}(?:\.zst)?"
).fullmatch
"""The names of results, in which there is nothing wrong: most keys, told in a fifth of the time."""

_WRITE: Final = os.O_WRONLY | getattr(os, "O_BINARY", 0)

_NO_PLACE: Final = frozenset(
    {errno.ELOOP, errno.EMLINK, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL, errno.EILSEQ}
)
"""What the system says of a path that can't be, or isn't, that of a plain file."""


class LocalStorage(BlobStorageBase):
    """Stores each blob in a file of its own below `base_dir`.

    Only the owner can read files (0600) and directories (0700). The directory is made when the
    first blob is saved, and again if it was removed.

    Symbolic links below `base_dir` are refused, so that no location leads out of it; `base_dir`
    itself may be one. The check comes before the file is opened: a program that can write into the
    directory could race it, but it could change the blobs as well.

    Args:
        base_dir: the directory; relative to the working directory at this moment.
        fsync: wait for the disk at every save. Off by default, since it costs milliseconds and
            gains little: the cache's digest finds what a power loss tears, and computes it again.
        shared: whether all machines that use the cache have this directory, such as one on NFS,
            under this path. Only then does it go with a metadata store that several machines share.

    Raises:
        ConfigError: `base_dir` can't be a path, or `fsync` or `shared` is no bool.
    """

    name: ClassVar[str] = "local"
    schemes: ClassVar[tuple[str, ...]] = ("file",)
    local: ClassVar[bool] = True  # calls of the kernel, which take no deadline

    def __init__(self, base_dir: str | Path, *, fsync: bool = False, shared: bool = False) -> None:
        if not isinstance(base_dir, (str, Path)) or not str(base_dir) or "\0" in str(base_dir):
            raise ConfigError(f"base_dir can't be {base_dir!r}: give the path of a directory")
        place = absolute(base_dir, "base_dir")
        self.base_dir: Final = Path(os.path.abspath(place))  # noqa: PTH100 - Path.absolute keeps ".."
        self.fsync: Final = checked.switch("fsync", fsync)
        self.remote = checked.switch("shared", shared)
        if network_file_system(self.base_dir):
            vars(self).update(local=False)
        self.private = self.local and not shared and is_private(self.base_dir)
        self._root = os.path.join(self.base_dir, "")  # noqa: PTH118 - a str, that ends in a separator

    @functools.cached_property
    def _reserves(self) -> bool:
        return plain_file.reserving_pays(self._root)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The folder `blobs` in the Spot's directory."""
        mark_when_made(context.directory)
        return {"base_dir": context.directory / "blobs"}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Read ``file:///absolute/directory`` (RFC 8089; percent-encoded where need be)."""
        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost") or not path.startswith("/") or parts.fragment:
            raise ConfigError(
                f"{url!r} names no local directory: write file:///absolute/directory, "
                "with %23 for a '#', or give base_dir"
            )
        drive = re.match(r"/[A-Za-z]:(/|\Z)", path)
        return {"base_dir": path[1:] if drive else path}

    def examine(self) -> Iterator[Finding]:
        """Who may read the directory, and how much room there is; see the base class."""
        from beautyspot_local.examination import of_folder  # rarely asked for

        return of_folder(self.base_dir, f"storage {self.name}")

    # ------------------------------------------------------------------------------- one blob

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """Store `data` in the file `key`, in place of what was there, and return `key`.

        Raises:
            BlobLocationError: the key is no relative path, or not one that every system can have.
            StorageError: the disk is full, the directory read-only, …; nothing is left behind.
        """
        del content_type  # a file system keeps none: the key's extension tells
        content = _flat(data)
        reserves = len(content) >= plain_file.RESERVED and self._reserves
        write = plain_file.write_reserved if reserves else plain_file.write
        return self._replace(key, functools.partial(write, content=content))

    def save_file(self, key: str, file: Readable, *, content_type: str | None = None) -> str:
        """As `save`, from a file that is read in parts. The blob's mode is 0400: none writes it.

        Raises:
            BlobLocationError, StorageError: as by `save`.
        """
        del content_type
        return self._replace(key, functools.partial(plain_file.copy, file))

    def load(self, location: str) -> bytes:
        """The bytes at `location`: a key, or an absolute path inside `base_dir`.

        Raises:
            BlobNotFound: no file is there.
            BlobLocationError: the location leads elsewhere, or to something that is no plain file.
            StorageError: the file can't be read.
        """
        return self.load_part(location, 0, -1)

    def load_part(self, location: str, start: int, size: int) -> bytes:
        """See the base class.

        Raises:
            BlobNotFound, BlobLocationError, StorageError: as by `load`.
        """
        path = self._path(self._key(location))
        try:
            with open(path, "rb", opener=_open_no_link) as file:
                file.seek(start)
                return file.read(size)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            text = f"no blob {location!r:.200} in {self.base_dir}: make it again"
            raise BlobNotFound(text) from error
        except (OSError, ValueError) as error:
            raise self._failure("load", location, error) from error

    def local_path(self, location: str) -> Path:
        """The path of the blob's file.

        Raises:
            BlobLocationError: the location leads elsewhere.
        """
        return Path(self._path(self._key(location)))

    def whereabouts(self, location: str) -> str:
        """The path of the file."""
        return str(self.base_dir / location)

    def delete(self, location: str) -> None:
        """Remove the file at `location`; its folder stays, so that no save loses it underway.

        Raises:
            BlobLocationError: the location leads elsewhere.
            StorageError: the file can't be removed.
        """
        path = self._path(self._key(location))
        try:
            os.unlink(path)  # noqa: PTH108 - a Path costs more than the call
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return
        except (OSError, ValueError) as error:
            if not os.path.isdir(path):  # noqa: PTH112 - as above; EPERM is what macOS says of a folder
                raise self._failure("delete", location, error) from error

    # ---------------------------------------------------------------------------- many blobs

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose key starts with `prefix`, in no order, read as they are asked for.

        Files whose name no key can have (temporary and foreign ones) and links are passed over.

        Raises:
            BlobLocationError: the prefix leads out of `base_dir`.
            StorageError: a folder can't be read.
        """
        for key, found in self._walk(prefix):
            if not re.search(_WRONG, key):
                yield BlobInfo(key, found.st_size, found.st_mtime)

    def sweep(self, older_than: float = 3600.0, prefix: str = "", *, dry_run: bool = False) -> int:
        """Remove what saves that never ended have left, and return how many files that was.

        Args:
            older_than: seconds; leave younger ones alone, since their save may be under way.
            prefix: look only below this, such as ``"9f2c41d8/"``.
            dry_run: True counts them only.

        Raises:
            BlobLocationError: the prefix leads out of `base_dir`.
            StorageError: a folder can't be read, or a file not removed.
        """
        removed = 0
        for key, found in self._walk(prefix):
            name = key.rpartition("/")[2]
            if name.startswith(_TEMPORARY) and found.st_mtime <= time.time() - older_than:
                try:
                    if not dry_run:
                        Path(self._root + key).unlink(missing_ok=True)
                except OSError as error:
                    raise self._failure("remove", key, error) from error
                removed += 1
        return removed

    def _walk(self, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        """Path below `base_dir` and status of every plain file whose path starts with `prefix`."""
        folder, slash, start = prefix.rpartition("/")
        if slash:
            self._path(folder)
        try:
            yield from _files(self._root, folder + slash, start)
        except OSError as error:
            raise self._failure("list", prefix, error) from error

    # --------------------------------------------------------------------------------- paths

    def _key(self, location: str) -> str:
        """The key of a location, which may be hostile: itself, or what follows `base_dir`."""
        if isinstance(location, str) and location.startswith(self._root):
            return location[len(self._root) :].replace(os.sep, "/")
        return location

    def _path(self, key: str) -> str:
        """The path of the file `key`; refuses what is no key, or leads over a link.

        Only the parts below `base_dir` are looked at: resolving the whole path costs far more.
        """
        if not isinstance(key, str):
            raise BlobLocationError(f"a blob's location is a str, not {type(key).__name__}")
        if not _is_ours(key) and (wrong := re.search(_WRONG, key)):
            raise BlobLocationError(
                f"{key!r:.200} can't be a blob in {self.base_dir} (for its {wrong[0]!r}): use a "
                "relative path like 'ab/cd.bin', of names that every file system can have"
            )
        path, looked = self._root, len(self._root)
        end = key.find("/")
        while end >= 0:
            _refuse_link(f"{path}{key[:end]}")
            end = key.find("/", end + 1)
        path = f"{path}{key}"
        _refuse_link(path)
        return path if os.sep == "/" else path[:looked] + path[looked:].replace("/", os.sep)

    # ------------------------------------------------------------------------------- writing

    def _replace(self, key: str, write: Callable[[int], None]) -> str:
        """Write a temporary file, and let it take the place of what is there."""
        path = self._path(key)
        folder, separator, _ = path.rpartition(os.sep)
        temporary = f"{folder}{separator}{_TEMPORARY}{os.urandom(8).hex()}"
        try:
            descriptor = created(temporary, _WRITE)
            try:
                with FileIO(descriptor, "w"):
                    write(descriptor)
                    if self.fsync:
                        os.fsync(descriptor)
                os.replace(temporary, path)  # noqa: PTH105 - a Path costs more than the call
            except BaseException:  # Ctrl-C too leaves nothing behind
                with suppress(OSError):
                    os.unlink(temporary)  # noqa: PTH108 - as above
                raise
            if self.fsync:
                _fsync_folder(folder)
        except (OSError, ValueError) as error:
            raise self._failure("save", key, error) from error
        return key

    def _failure(self, action: str, location: str, error: OSError | ValueError) -> StorageError:
        if isinstance(error, ValueError) or error.errno in _NO_PLACE:
            return BlobLocationError(
                f"can't {action} {location!r:.200} in {self.base_dir} ({error}): "
                "use a path that the file system can have, of a plain file"
            )
        return StorageError(
            f"can't {action} {location!r:.200} in {self.base_dir} ({error.strerror}): {_CHECK}"
        )


def _open_no_link(path: str, flags: int) -> int:
    return open_plain(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _refuse_link(path: str) -> None:
    """`os.path.islink`, which costs half as much again."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return
    if stat.S_ISLNK(found.st_mode):
        raise BlobLocationError(f"{path} is a symbolic link, not a blob: remove it")


def _flat(data: Data) -> memoryview:
    """The bytes of `data` in one piece, copied only where they lie scattered."""
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())


def _fsync_folder(folder: str) -> None:
    """Make a rename durable. Where folders can't be opened (Windows), there is nothing to do."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _files(root: str, folder: str, start: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """The plain files below `root + folder` whose path in there starts with `start`."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root + folder) as entries:
        for entry in entries:
            if not entry.name.startswith(start):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(root, f"{folder}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # deleted since
                    yield folder + entry.name, entry.stat(follow_symlinks=False)
