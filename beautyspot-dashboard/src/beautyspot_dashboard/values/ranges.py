"""Range requests (RFC 9110, 14): which bytes of a value are wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONE_RANGE: Final = r"(?a)\s*bytes\s*=\s*(\d{0,18})-(\d{0,18})\s*"


class UnsatisfiableError(Exception):
    """None of the bytes that are wanted exist."""


def wanted(headers: Mapping[str, str], size: int | None, etag: str | None) -> range | None:
    """The bytes that a GET asks for; None: all, and no answer of a part.

    Several ranges at once are answered by the whole, as is what is none, and a range of another
    value than that of the ETag.

    Raises:
        UnsatisfiableError: no byte is in the range.
    """
    condition = headers.get("if-range")
    if size is None or (condition is not None and condition.strip() != etag):
        return None
    given = re.fullmatch(_ONE_RANGE, headers.get("range", ""))
    if given is None or given.groups() == ("", ""):
        return None
    return _within(given[1], given[2], size)


def _within(first: str, last: str, size: int) -> range | None:
    if first and last and int(first) > int(last):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        raise UnsatisfiableError
    return range(start, stop)


def is_known(header: str | None, etag: str | None) -> bool:
    """Whether the browser has the value already, by `If-None-Match`."""
    if header is None or etag is None:
        return False
    known = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in known or etag in known
