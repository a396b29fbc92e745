"""What is wrong, or soon will be, with a database: its file, its schema, its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from beautyspot import Finding
from beautyspot.files import network_file_system

from beautyspot_local.examination import of_folder, of_modes
from beautyspot_local.sqlite.database_file import all_set_aside, rescue
from beautyspot_local.sqlite.schema import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

LONG_LOG: Final = 134_217_728
"""Bytes of a ``-wal`` that has grown: SQLite cuts it down to half of this when it can."""

_MALFORMED: Final = "database disk image is malformed"
"""What SQLite says where it can't even check."""


def of_database(
    path: Path,
    ask: Callable[[str], list[tuple[Any, ...]]],
    subject: str,
    is_salvaged: Callable[[], bool] = lambda: False,
) -> Iterator[Finding]:
    """What there is to say of a database that is there.

    Args:
        path: of its file.
        ask: gives the rows of a query.
        subject: of the findings.
        is_salvaged: whether `ask` has been answered by what was salvaged of it, which is sound.
    """
    yield from of_folder(path.parent, subject)
    yield from of_modes(path, subject, "600")
    yield from _of_file(path, subject)
    yield from _of_schema(path, ask("PRAGMA user_version")[0][0], subject)
    said = ask("PRAGMA integrity_check(1)")[0][0]  # a quick one does not look into indices
    yield from _of_content(path, _MALFORMED if is_salvaged() else said, subject)
    for aside in all_set_aside(path):
        advice = f"copy what can be read of it ({rescue(aside, path)}), and then remove it"
        yield Finding("problem", subject, f"a damaged database was renamed to {aside}: {advice}")


def _of_file(path: Path, subject: str) -> Iterator[Finding]:
    if not os.access(path, os.W_OK):
        text = f"{path} can only be read, so no result is stored: chmod u+w {path}"
        yield Finding("problem", subject, text)
    if network_file_system(path):
        advice = "one machine at a time may use it: for several, use a store that is made for them"
        yield Finding("warning", subject, f"the database is on a network file system: {advice}")
    log = path.with_name(f"{path.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LONG_LOG:
        advice = "a program that has the database open for long keeps it from shrinking: end that"
        yield Finding("warning", subject, f"{log} has grown to {size:,} bytes: {advice}")


def _of_schema(path: Path, version: int, subject: str) -> Iterator[Finding]:
    if version > VERSION:
        advice = f"this one knows up to {VERSION}, and leaves it alone: upgrade beautyspot"
        yield Finding("problem", subject, f"a newer release wrote it (schema {version}): {advice}")
    elif version < VERSION:
        text = f"{path} has the old schema {version}: the next Spot that opens it brings it to"
        yield Finding("warning", subject, f"{text} {VERSION}, and loses nothing")


def _of_content(path: Path, said: str, subject: str) -> Iterator[Finding]:
    if said == "ok":
        yield Finding("ok", subject, f"{path} is sound ({path.stat().st_size:,} bytes)")
        return
    fresh = path.with_name(f"fresh-{path.name}")
    advice = f"copy what can be read ({rescue(path, fresh)}), and put the copy in its place"
    yield Finding("problem", subject, f"{path} is damaged ({said}): {advice}")
