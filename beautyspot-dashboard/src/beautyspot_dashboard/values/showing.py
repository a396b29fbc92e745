"""Which view shows a value, and what stands in its place where none can.

Each kind of value has a function that makes a `View`, or None of all others; the first that makes
one shows it. Files of a content type come first, since they are not decoded.
"""

from __future__ import annotations

import logging
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

from beautyspot_dashboard.values import answers, arrays, diagrams, media, tables, texts, trees
from beautyspot_dashboard.values.files import TooLargeError, file_of
from beautyspot_dashboard.values.places import link_to, place_of
from beautyspot_dashboard.values.views import Look, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Store, TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.places import Place

MEDIA: Final[tuple[Callable[[Look], View | None], ...]] = (
    media.view,
    diagrams.view,
    tables.delimited,
    tables.columnar,
)
"""By content type."""

DATA: Final[tuple[Callable[[Place], View | None], ...]] = (
    texts.view,
    tables.frame,
    tables.records,
    arrays.view,
    arrays.image,
    answers.view,
    trees.view,
)
"""By what is decoded, or by the bytes; the last shows all."""

_ADVICE: Final[dict[type[BeautyspotError], str]] = {
    BlobNotFound: "Its blob is gone from the storage. The next call computes it again.",
    BackendNotFound: "Install the plug-in that brings it where the dashboard runs, and restart.",
    NotSupportedError: "Loading it could run code, so only your program does that.",
    RestoreError: "If it is damaged, remove it: the next call computes it again.",
    StorageError: "Is this the storage of the program, and can it be reached? Then reload.",
    MetadataError: "Can the store be reached? Then reload.",
}
"""What to do; the first that fits."""

_log = logging.getLogger("beautyspot")


def shown(request: Request, store: Store, record: TaskRecord) -> View:
    """The view of a result; where it can't be shown, one that says why and what to do."""
    has_bytes = False
    try:
        look = Look(request, store, record, file_of(store, record))
        has_bytes = True
        return _view(look)
    except TooLargeError as error:
        advice = "Take it by the command line: beautyspot show KEY --out FILE"
        advice = "Download it to look at it." if has_bytes else advice
        return _instead("too large to be shown", f"Too large: {error.detail}.", advice, has_bytes)
    except BeautyspotError as error:
        advice = next((told for kind, told in _ADVICE.items() if isinstance(error, kind)), "")
        return _instead("can't be read", str(error), advice, has_bytes)
    except Exception as error:
        # What is stored may be anything, and the rest of the page is worth its while.
        _log.exception("the dashboard can't show the value of %r", record.cache_key)
        problem = f"To show it failed: {type(error).__name__}: {error}"
        advice = "The server's log says more. The stored bytes are sound: download them."
        return _instead("can't be shown", problem, advice, has_bytes)


def _view(look: Look) -> View:
    if look.file.is_media and look.mode not in ("text", "hex"):
        for of_type in MEDIA:
            view = of_type(look)
            if view is not None:
                return view
    try:
        place = place_of(look)
    except LookupError:
        return View("lost.html", "no such part", {"whole": link_to(look, [])})
    found = (of_value(place) for of_value in DATA)
    return next(view for view in found if view is not None)


def _instead(kind: str, problem: str, advice: str, has_bytes: bool) -> View:
    context = {"problem": problem[:2000], "advice": advice}
    return View("unreadable.html", kind, context, has_bytes)
