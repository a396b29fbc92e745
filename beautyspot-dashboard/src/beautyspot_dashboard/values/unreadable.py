"""What stands in the place of a value that is not shown: why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot import (
    BackendNotFound,
    BeautyspotError,
    BlobNotFound,
    MetadataError,
    NotSupportedError,
    RestoreError,
    StorageError,
)
from beautyspot_cli.formats import size

from beautyspot_dashboard.values.soundness import CHECKED
from beautyspot_dashboard.values.views import LARGEST, View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

_ADVICE: Final[dict[type[BeautyspotError], str]] = {
    BlobNotFound: "Its blob is gone from the storage. The next call computes it again.",
    BackendNotFound: "Install the plug-in that brings it where the dashboard runs, and restart.",
    NotSupportedError: "Loading it could run code, so only your program does that.",
    RestoreError: "If it is damaged, remove it: the next call computes it again.",
    StorageError: "Is this the storage of the program, and can it be reached? Then reload.",
    MetadataError: "Can the store be reached? Then reload.",
}
"""What to do; the first that fits."""


def unreadable(look: Look, error: BeautyspotError) -> View:
    """A value that can't be read or decoded."""
    return _view("can't be read", str(error), _advice(error), raw=_has_bytes(look))


def without_bytes(error: BeautyspotError) -> View:
    """A value of which not even the bytes are known."""
    return _view("can't be read", str(error), _advice(error), raw=False)


def too_large(look: Look) -> View:
    """A value that is not decoded for its size."""
    much = "" if look.content.size is None else f", and it has {size(look.content.size)}"
    problem = f"Values over {size(LARGEST)} are not decoded here{much}."
    return _view("too large to be shown", problem, "Download it to look at it.", raw=True)


def unknown(look: Look) -> View:
    """A value that is of no kind."""
    problem = f"Nothing here shows values of the type {look.content.content_type}."
    return _view("not shown", problem, "Download it to look at it.", raw=True)


def failed(look: Look, error: Exception) -> View:
    """A value that some view could not make anything of."""
    problem = f"To show it failed: {type(error).__name__}: {error}"
    advice = "The server's log says more. The stored bytes may be sound: download them."
    return _view("can't be shown", problem, advice, raw=_has_bytes(look))


def _view(kind: str, problem: str, advice: str, *, raw: bool) -> View:
    return View("unreadable.html", kind, {"problem": problem[:2000], "advice": advice}, raw)


def _advice(error: BeautyspotError) -> str:
    fitting = (text for kind, text in _ADVICE.items() if isinstance(error, kind))
    return next(fitting, "Reload.")


def _has_bytes(look: Look) -> bool:
    """Whether the stored bytes can be taken away; of large ones the beginning has to do."""
    read = 0
    try:
        for part in look.content.chunks():
            read += len(part)
            if read > CHECKED:
                break
    except BeautyspotError:
        return False
    return True
