"""A Markdown value as a page, for the frame on the page of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.board import store_of
from beautyspot_dashboard.pages.value import VALUE_HEADERS
from beautyspot_dashboard.rendering.templates import environment
from beautyspot_dashboard.values.decoded import text_at
from beautyspot_dashboard.values.documents import LARGEST_MARKDOWN
from beautyspot_dashboard.values.markdown import html_of
from beautyspot_dashboard.values.media_types import MARKDOWN, TEXT
from beautyspot_dashboard.values.views import Look, TooLargeError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def markdown(request: Request) -> Response:
    """The page."""
    store = store_of(request)
    record = store.row(request.path_params["key"])
    look = Look(request, store, record, store.content(record.cache_key))
    try:
        text = _text(look)
    except TooLargeError:
        raise HTTPException(404, "this Markdown is too long to be shown as a page") from None
    template = environment().get_template("values/markdown_page.html")
    body = Markup(html_of(text))  # noqa: S704 - made of text by a parser that escapes
    return HTMLResponse(template.render(body=body), headers=VALUE_HEADERS)


def _text(look: Look) -> str:
    """The text of a Markdown value, or any text that is asked for as that."""
    if look.content.is_media and look.body.kind in (MARKDOWN, TEXT):
        return look.data(LARGEST_MARKDOWN).decode("utf-8", "replace")
    text = text_at(look)
    if text is None:
        raise HTTPException(404, "this is no text")
    if len(text) > LARGEST_MARKDOWN:
        raise TooLargeError
    return text.encode("utf-8", "replace").decode()


routes = [Route("/store/{store}/value/{key}/markdown", markdown, name="markdown")]
