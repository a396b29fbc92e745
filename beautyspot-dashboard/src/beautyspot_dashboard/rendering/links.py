"""URLs of the dashboard, below the path where it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response


def href(
    request: Request, name: str, query: Mapping[str, object] | None = None, /, **params: object
) -> str:
    """The path of a route, with a query; values None, False and "" are left out of that."""
    path = quote(str(request.app.url_path_for(name, **params)), errors="replace")
    return f"{request.scope.get('root_path', '')}{path}{_query(query or {})}"


def result_href(request: Request, key: str, within: str = "") -> str:
    """The path of the page of a result; "" of a key that no URL can bear, which none of ours is.

    Args:
        request: of a page of the same store.
        key: of the result.
        within: the query of the list that it is in, to which its page leads back.
    """
    if not key or "/" in key or key in (".", ".."):
        return ""
    return href(request, "result", {"in": within}, store=request.path_params["store"], key=key)


def with_query(request: Request, **changes: object) -> str:
    """The query of this page with changes; None takes a part out, a list has it several times."""
    query = request.query_params
    return _query({**{name: query.getlist(name) for name in query}, **changes}) or "?"


def without_empty(request: Request, path: str) -> Response | None:
    """Leads to this page without what is empty in its query, which a form sends as well."""
    if all(value for _, value in request.query_params.multi_items()):
        return None
    return RedirectResponse(f"{path}{with_query(request)}".rstrip("?"), 302)


def _query(parts: Mapping[str, object]) -> str:
    values = ((name, each if isinstance(each, list) else [each]) for name, each in parts.items())
    kept = [
        (name, 1 if value is True else value)
        for name, among in values
        for value in among
        if value not in (None, False, "")
    ]
    return f"?{urlencode(kept, errors='replace')}" if kept else ""
