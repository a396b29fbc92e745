"""What stands in the place of a value that is not shown: why, and what to do."""

from __future__ import annotations

from typing import Final

from beautyspot import (
    BackendNotFound,
    BeautyspotError,
    BlobNotFound,
    MetadataError,
    NotSupportedError,
    RestoreError,
    StorageError,
)

from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.views import View

_ADVICE: Final[dict[type[BeautyspotError], str]] = {
    BlobNotFound: "Its blob is gone from the storage. The next call computes it again.",
    BackendNotFound: "Install the plug-in that brings it where the dashboard runs, and restart.",
    NotSupportedError: "Loading it could run code, so only your program does that.",
    RestoreError: "If it is damaged, remove it: the next call computes it again.",
    StorageError: "Is this the storage of the program, and can it be reached? Then reload.",
    MetadataError: "Can the store be reached? Then reload.",
}
"""What to do; the first that fits."""

_DOWNLOAD: Final = "Download it to look at it."


def unreadable(error: Exception, *, raw: bool) -> View:
    """What stands in the place of a value: what went wrong, and what to do.

    Args:
        error: why it is not shown.
        raw: whether its bytes are sound, and can be taken away.
    """
    kind, problem, advice = "can't be shown", str(error), _DOWNLOAD
    if isinstance(error, TooLargeError):
        kind, problem = "too large to be shown", f"It is too large: {error.detail}."
        advice = _DOWNLOAD if raw else "Take it by the command line: beautyspot show KEY --out FILE"
    elif isinstance(error, BeautyspotError):
        advice = next((text for known, text in _ADVICE.items() if isinstance(error, known)), "")
    else:
        problem = f"To show it failed: {type(error).__name__}: {error}"
        advice = "The server's log says more. The stored bytes are sound: download them."
    return View("unreadable.html", kind, {"problem": problem[:2000], "advice": advice}, raw)
