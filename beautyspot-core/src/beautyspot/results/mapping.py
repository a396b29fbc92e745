"""Large results mapped from their files, for functions that are marked so (`mark(mmap=True)`).

An array is then the file itself, as far as it was read or written to: copy-on-write, so that no
change reaches the file. The system never writes to a blob that has its name, and a file that was
removed stays as long as a map of it. But whoever cuts one short in its place kills the process that
reads on (SIGBUS), and whoever changes one in its place may change the array: so this is the
function's own choice, and none where results are signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts.records import less_mark
from beautyspot.errors import BlobNotFound
from beautyspot.results.local_files import Seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.contracts import Entry
    from beautyspot.results.placement import Placement
    from beautyspot.results.validity import Digest


def mapped(
    placement: Placement, entry: Entry, begin: Callable[[], list[Digest]]
) -> memoryview | None:
    """The bytes of an entry's blob, as a map that can be written to.

    They are checked, once for a process and a state of the file. None where the storage has no
    files, or the system maps no more of them: then they are read.

    Raises:
        BlobNotFound: the file is gone.
        RestoreError: it is damaged.
    """
    storage, location = placement.storage(), entry.result_value
    path: Path | None = None
    if storage is not None and location is not None:
        path = storage.local_path(location)
    if path is None:
        return None
    try:
        return placement.files.mapped(path, Seal(begin, less_mark(entry.digest)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BlobNotFound(f"no blob {location!r:.200}: make it again") from error
    except (OSError, ValueError):
        return None
