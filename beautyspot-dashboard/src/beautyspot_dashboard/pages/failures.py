"""What is said where a page can't be shown, and what to do then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from beautyspot import BeautyspotError, ConfigError, RecordNotFound
from starlette.exceptions import HTTPException

from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response


def failed(request: Request, error: Exception) -> Response:
    """Something of ours failed: the store can't be reached, a filter is wrong."""
    if isinstance(error, RecordNotFound):
        status = 404
    else:
        status = 400 if isinstance(error, ConfigError) else 503
    return render(request, "failure.html", status, message=str(error))


def refused(request: Request, error: Exception) -> Response:
    """There is no such page."""
    found = cast("HTTPException", error)
    return render(request, "failure.html", found.status_code, message=found.detail)


HANDLERS: Final[dict[Any, Callable[..., Any]]] = {BeautyspotError: failed, HTTPException: refused}
