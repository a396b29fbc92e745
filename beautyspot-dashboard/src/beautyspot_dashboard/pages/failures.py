"""What is said where a page can't be shown, and what to do then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from beautyspot import BeautyspotError, ConfigError, RecordNotFound
from starlette.exceptions import HTTPException

from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering.templates import notice, render

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
    return _failure(request, status, str(error))


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
    told = "there is no such page" if found.detail == "Not Found" else found.detail
    answer = _failure(request, found.status_code, told)
    answer.headers.update(found.headers or {})
    return answer


def _failure(request: Request, status: int, message: str) -> Response:
    """The page; of a path below a store that there is, it leads back to that."""
    own = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    begin, _, rest = own.removeprefix("/").partition("/")
    slug = rest.partition("/")[0] if begin == "store" else ""
    shelved = board_of(request).shelf.get(slug)
    known = slug if shelved is not None and rest != slug else ""
    return render(request, "failure.html", status, message=message, known=known)


HANDLERS: Final[dict[Any, Callable[..., Any]]] = {
    BeautyspotError: failed,
    HTTPException: refused,
    Exception: broken,
}
