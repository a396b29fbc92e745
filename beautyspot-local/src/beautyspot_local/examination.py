"""What is wrong, or soon will be, with a folder: who may read it, whether it takes more files."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

from beautyspot import Finding
from beautyspot.files import lack, network_file_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LITTLE_ROOM: Final = 200_000_000
"""Bytes: with less free, a few large results fill the disk."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def of_folder(folder: Path, subject: str) -> Iterator[Finding]:
    """What there is to say of a folder that holds what is stored, or will be made for it."""
    found = list(_of_folder(folder, subject))
    yield from found
    if not found:
        free = shutil.disk_usage(nearest(folder)).free
        state = "is private" if folder.exists() else "is made with the first result"
        yield Finding("ok", subject, f"{folder} {state}, and {free:,} bytes are free there")


def _of_folder(folder: Path, subject: str) -> Iterator[Finding]:
    there = nearest(folder)
    if there == folder:
        yield from of_modes(folder, subject, "700")
    if not os.access(there, os.W_OK | os.X_OK):
        advice = f"so nothing can be stored: allow it (chmod u+wx {there}), or choose another place"
        yield Finding("problem", subject, f"you may not write into {there}, {advice}")
    if short := lack(there):
        yield Finding("problem", subject, f"{there}: {short}")
    elif (free := shutil.disk_usage(there).free) < LITTLE_ROOM:
        advice = "free some space, as by beautyspot prune --max-size"
        yield Finding("warning", subject, f"only {free:,} bytes are free in {there}: {advice}")
    if kind := network_file_system(there):
        yield Finding("warning", subject, f"{there} is on a network file system ({kind})")


def of_modes(path: Path, subject: str, mode: str) -> Iterator[Finding]:
    """A warning where others than the owner may read a file or a folder."""
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        text = f"others can read {path}: chmod {mode} {path}, unless they are meant to"
        yield Finding("warning", subject, text)


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
