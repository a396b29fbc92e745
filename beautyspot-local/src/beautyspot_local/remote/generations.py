"""Numbers of what was invalidated, in stores that take them from the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord


def known(record: TaskRecord, since: int) -> int:
    """The generation to ask from: of a call that could not ask as it began, when it began.

    Generations are microseconds, by the clock that `TaskRecord.began_at` goes by.
    """
    return since or int((record.began_at or 0.0) * 1_000_000)
