"""A Markdown value as a page, for the frame on the page of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.rendering.templates import environment
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.texts import LARGEST_MARKDOWN, text_at
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def markdown(request: Request) -> Response:
    """The page; in its place what went wrong with it."""
    text = text_at(look_of(request))
    if text is None:
        raise HTTPException(404, "this is no text")
    if len(text) > LARGEST_MARKDOWN:
        raise TooLargeError(LARGEST_MARKDOWN)
    ran = running.run("markdown", [], text.encode("utf-8", "replace"))
    body = Markup(ran.output.decode("utf-8", "replace"))  # noqa: S704 - by a parser that escapes
    template = environment().get_template("values/markdown_page.html")
    return HTMLResponse(template.render(body=body, problem=ran.problem), headers=VALUE_HEADERS)


routes = [Route("/store/{store}/value/{key}/markdown", markdown, name="markdown")]
