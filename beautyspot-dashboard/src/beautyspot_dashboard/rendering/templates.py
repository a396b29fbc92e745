"""Templates to pages, with what every page shows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering import texts
from beautyspot_dashboard.rendering.links import href, with_query

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope


@cache
def environment() -> Environment:
    """The templates; all that they show is escaped."""
    found = Environment(
        loader=PackageLoader("beautyspot_dashboard"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= texts.FILTERS
    return found


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The page that a template makes.

    Args:
        request: what is answered.
        template: the name of its file.
        status: of the answer.
        context: what the template shows. `store`, a `Shelved`, and `section`, the name of a view,
            tell the head of the page where it is.
    """
    return HTMLResponse(fragment(request, template, **context), status)


def fragment(request: Request, template: str, **context: Any) -> str:
    """A part of a page, such as one that is sent to a page that is open.

    Args:
        request, template, context: as for `render`.
    """
    given = {
        "request": request,
        "board": board_of(request),
        "store": None,
        "section": "",
        "href": lambda name, query=None, **params: href(request, name, query, **params),
        "with_query": lambda **changes: with_query(request, **changes),
        **context,
    }
    return environment().get_template(template).render(given)


def notice(
    scope: Scope,
    heading: str,
    text: str,
    *,
    status: int = 403,
    link: str = "",
    goes_on: bool = False,
) -> HTMLResponse:
    """A page that says one thing, with nothing of a store in it: what is refused, what failed.

    Args:
        scope: the request that is answered, as ASGI has it.
        heading: what is the matter.
        text: why, and what to do.
        status: of the answer.
        link: where to go on.
        goes_on: whether the browser follows the link by itself.
    """
    page = environment().get_template("notice.html")
    root = scope.get("root_path", "")
    shown = page.render(root=root, heading=heading, text=text, link=link, goes_on=goes_on)
    return HTMLResponse(shown, status)
