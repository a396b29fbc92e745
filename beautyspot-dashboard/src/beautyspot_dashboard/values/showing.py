"""Which view shows a value: the registry of all kinds.

Each kind is a module with a function that makes a `View` of a `Look`, or None where it is no value
of that kind. The first that makes one shows it. Kinds that go by the content type come first, since
they decode nothing; those that need `Look.value()`, which bounds the size itself, come last.
With `Look.wants_source` (``?as=source``) only the kinds of `SOURCES` are asked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError

from beautyspot_dashboard.values import (
    decoded,
    diagrams,
    documents,
    hexes,
    media,
)
from beautyspot_dashboard.values.files import TooLargeError, file_of
from beautyspot_dashboard.values.tables import columnar, delimited
from beautyspot_dashboard.values.texts import markdown
from beautyspot_dashboard.values.texts import view as texts
from beautyspot_dashboard.values.unreadable import unreadable
from beautyspot_dashboard.values.views import Look, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Store, TaskRecord
    from starlette.requests import Request

MEDIA: Final[tuple[Callable[[Look], View | None], ...]] = (
    hexes.asked,
    media.picture,
    media.recording,
    documents.document,
    markdown.view,
    diagrams.view,
)
"""By content type: pictures, sound, films, documents, diagrams."""

DATA: Final[tuple[Callable[[Look], View | None], ...]] = (
    delimited.view,
    columnar.view,
    decoded.json,
    decoded.view,
)
"""By what is decoded: tables, arrays, trees."""

SOURCES: Final[tuple[Callable[[Look], View | None], ...]] = (texts.view, hexes.view)
"""By the bytes: text with its code highlighted, hex for the rest."""

_log = logging.getLogger("beautyspot")


def shown(request: Request, store: Store, record: TaskRecord) -> View:
    """The view of a result; where it can't be read, one that says why and what to do."""
    has_bytes = False
    try:
        look = Look(request, store, record, file_of(store, record))
        has_bytes = True
        kinds = SOURCES if look.wants_source else (*MEDIA, *DATA, *SOURCES)
        found = (kind(look) for kind in kinds)
        return next(view for view in found if view is not None)
    except (TooLargeError, BeautyspotError) as error:
        return unreadable(error, raw=has_bytes)
    except Exception as error:
        # What is stored may be anything, and the rest of the page is worth its while.
        _log.exception("the dashboard can't show the value of %r", record.cache_key)
        return unreadable(error, raw=has_bytes)
