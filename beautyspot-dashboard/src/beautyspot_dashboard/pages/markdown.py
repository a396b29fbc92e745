"""A Markdown value as a page, for the frame on the page of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.rendering.templates import environment
from beautyspot_dashboard.values.children.running import run_module
from beautyspot_dashboard.values.decoded import text_at
from beautyspot_dashboard.values.documents import LARGEST_MARKDOWN
from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.media_types import MARKDOWN, TEXT
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.values.views import Look

_SECONDS: Final = 10


def markdown(request: Request) -> Response:
    """The page; in its place what went wrong with it."""
    look = look_of(request)
    ran = run_module("markdown", [], [_source(look)], _SECONDS)
    body = Markup(ran.output.decode("utf-8", "replace"))  # noqa: S704 - by a parser that escapes
    template = environment().get_template("values/markdown_page.html")
    return HTMLResponse(template.render(body=body, problem=ran.problem), headers=VALUE_HEADERS)


def _source(look: Look) -> bytes:
    """The text of a Markdown value, or any text that is asked for as that."""
    if look.file.kind in (MARKDOWN, TEXT):
        return look.data(LARGEST_MARKDOWN)
    text = text_at(look)
    if text is None:
        raise HTTPException(404, "this is no text")
    if len(text) > LARGEST_MARKDOWN:
        raise TooLargeError(LARGEST_MARKDOWN)
    return text.encode("utf-8", "replace")


routes = [Route("/store/{store}/value/{key}/markdown", markdown, name="markdown")]
