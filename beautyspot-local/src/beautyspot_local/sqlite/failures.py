"""What a failure of SQLite or of the system means, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import Final

from beautyspot import files
from beautyspot.errors import MetadataError

from beautyspot_local.sqlite import connections
from beautyspot_local.sqlite.database import MAKE_WRITABLE, Database
from beautyspot_local.sqlite.database_file import obstacle

KNOWN: Final = (sqlite3.Error, UnicodeError, OverflowError, OSError)
"""What SQLite, and binding a value to one of its parameters, may raise."""

KNOWN_OR_NEW: Final = (AttributeError, *KNOWN)
"""The same, and that this thread has no connection yet."""

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: files.ROOM,
    sqlite3.SQLITE_READONLY: MAKE_WRITABLE,
    sqlite3.SQLITE_PERM: "check the permissions of the file and its directory",
    sqlite3.SQLITE_IOERR: "check the disk",
    sqlite3.SQLITE_TOOBIG: "store a value of that size as a blob (save_blob=True)",
}
_OTHER_ADVICE: Final = "check what was asked for, and that no other program changes the file"

TO_REMOVE: Final = (
    " first, some megabytes: to remove results takes room as well. Blobs may be deleted by hand, "
    "and are misses then"
)
"""What follows the advice on a full disk where results are removed to free space."""

NO_LOCKS: Final = "check that the directory may be written and that its file system has locks"


def explained(database: Database, error: Exception) -> MetadataError:
    """What to raise for `error`."""
    path = database.path
    if connections.is_busy(error):
        return database.busy_error()
    if connections.is_damage(error):
        return MetadataError(
            f"{path} is damaged ({error}): the log tells where it was moved, or that you have "
            "to move it; then the next call starts a fresh one"
        )
    code = connections.code_of(error)
    advice = _ADVICE.get(code, _OTHER_ADVICE)
    if isinstance(error, OSError) or code == sqlite3.SQLITE_CANTOPEN:
        advice = files.remedy(error, f"{obstacle(path)}, or choose another db_path")
    advice = connections.lacks_room(error, path) or advice
    return MetadataError(f"{path}: {error}: {advice}")
