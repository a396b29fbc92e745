"""A result's bytes into a file or to stdout, a piece at a time."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


def to_stdout(chunks: Iterable[bytes]) -> None:
    """Write to stdout, as bytes."""
    sys.stdout.flush()
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def to_file(path: Path, chunks: Iterable[bytes], *, force: bool) -> int:
    """Write a file, which is there whole or not at all; how many bytes.

    Raises:
        UsageError: there is such a file, and not `force`.
        OSError: it can't be written.
    """
    if path.exists() and not path.is_file():  # a device, a pipe; a folder is an error
        with path.open("wb") as file:
            return sum(map(file.write, chunks))
    _check_free(path, force=force)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    handle, part = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            size = sum(map(file.write, chunks))
        Path(part).chmod(0o666 & ~_umask())
        _check_free(path, force=force)  # it may have been made meanwhile
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    return size


def _check_free(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise click.UsageError(f"{str(path)!r} exists: give --force to replace it")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
