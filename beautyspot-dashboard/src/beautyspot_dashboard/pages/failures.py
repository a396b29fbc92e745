"""What is said where a page can't be shown, and what to do then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from beautyspot import BeautyspotError, ConfigError, RecordNotFound
from starlette.exceptions import HTTPException

from beautyspot_dashboard.rendering.notices import notice
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


def broken(request: Request, error: Exception) -> Response:
    """A fault of ours. The server around logs it."""
    del error
    text = (
        "This is a fault of the dashboard, which its log tells more of: look into the terminal "
        "where it runs. The store is unharmed."
    )
    return notice(request.scope, "Something went wrong", text, status=500)


def refused(request: Request, error: Exception) -> Response:
    """There is no such page."""
    found = cast("HTTPException", error)
    answer = render(request, "failure.html", found.status_code, message=found.detail)
    answer.headers.update(found.headers or {})
    return answer


HANDLERS: Final[dict[Any, Callable[..., Any]]] = {
    BeautyspotError: failed,
    HTTPException: refused,
    Exception: broken,
}
