"""What a browser gets of a value: its bytes, or a page made of them for a frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.rendering.templates import environment, render
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.files import TooLargeError
from beautyspot_dashboard.values.media import LARGEST_HTML, described
from beautyspot_dashboard.values.media_types import BYTES, FILMS, HTML, SOUNDS, SVG, served_type
from beautyspot_dashboard.values.texts import LARGEST_MARKDOWN, text_at
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

VALUE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)
"""What stored bytes may do in a browser: be looked at. No script, no request, no origin."""

VALUE_HEADERS: Final = {
    "content-security-policy": VALUE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-dns-prefetch-control": "off",
}

_UNSAFE: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    '\\\\/:*?"<>|%]'
)
"""Controls, what hides or turns text, and what a file system or a header takes for something."""

_LONGEST: Final = 150

_PLAYED: Final = {SVG: "img", **dict.fromkeys(SOUNDS, "audio"), **dict.fromkeys(FILMS, "video")}
"""What is opened within a page of ours, and the element that shows it.

As a document, an SVG may have frames and links, and Chromium connects to where they lead. A
recording would not be played under the policy of values.
"""

_FRAMES: Final = re.compile("(</?)(?=i?frame|fencedframe|portal)", re.IGNORECASE)
"""Tags of frames. Chromium connects to where a frame is, also where our policy forbids it."""

_LINKS: Final = re.compile(r"<link(?=[\s/>])", re.IGNORECASE)
"""Of which ``rel="preconnect"`` connects, too; ours forbids what all others would load."""

_NOTHING: Final = "<basefont"
"""A tag that stands where a link may, has no end, and does nothing."""


def value(request: Request) -> Response:
    """The bytes of a value, or a part of them, as a type that browsers know, or to be saved."""
    look = look_of(request)
    element = _PLAYED.get(look.file.kind)
    if element and _is_opened(request):
        src, label = look.link("value"), described(look.record)
        return render(request, "values/alone.html", src=src, label=label, element=element)
    kind = served_type(look.file.kind)
    saved = kind is None or "download" in request.query_params
    digest = look.record.digest  # a player goes on with a part of the same value, copied anew
    return FileResponse(
        look.file.path,
        headers=VALUE_HEADERS | ({"etag": f'"{digest.hex()}"'} if digest else {}),
        media_type=kind or BYTES,
        filename=_safe_name(look.file.filename),
        content_disposition_type="attachment" if saved else "inline",
    )


def _is_opened(request: Request) -> bool:
    """Whether a browser would open the bytes as a document, and not within one."""
    shown_as = request.headers.get("sec-fetch-dest")
    if shown_as is None:  # an old browser, or no encryption
        within = "text/html" not in request.headers.get("accept", "")
    else:
        within = shown_as in ("image", "audio", "video")
    return not within and "download" not in request.query_params


def _safe_name(name: str) -> str:
    """A name for a file, of a name which may be anything."""
    clean = re.sub(_UNSAFE, "_", name).strip(". ") or "result"
    stem, dot, extension = clean.rpartition(".")
    if len(clean) > _LONGEST:
        clean = f"{(stem or extension)[: _LONGEST - 20]}{dot}{extension[:19]}"
    return clean


def html(request: Request) -> Response:
    """An HTML value as a page, without its frames and links to other files."""
    look = look_of(request)
    if look.file.kind != HTML:
        raise HTTPException(404, "this result is no HTML")
    if look.file.size > LARGEST_HTML:
        raise TooLargeError(LARGEST_HTML)
    text = look.file.read().decode("utf-8-sig", "replace")
    tame = _LINKS.sub(_NOTHING, _FRAMES.sub(r"\1off-", text))
    return HTMLResponse(tame, headers=VALUE_HEADERS)


def markdown(request: Request) -> Response:
    """A text as a page of Markdown; in its place what went wrong with it."""
    text = text_at(look_of(request))
    if text is None:
        raise HTTPException(404, "this is no text")
    if len(text) > LARGEST_MARKDOWN:
        raise TooLargeError(LARGEST_MARKDOWN)
    ran = running.run("markdown", [], text.encode("utf-8", "replace"))
    body = Markup(ran.output.decode("utf-8", "replace"))  # noqa: S704 - by a parser that escapes
    template = environment().get_template("values/markdown_page.html")
    return HTMLResponse(template.render(body=body, problem=ran.problem), headers=VALUE_HEADERS)


routes = [
    Route("/store/{store}/value/{key}", value, name="value"),
    Route("/store/{store}/value/{key}/html", html, name="html"),
    Route("/store/{store}/value/{key}/markdown", markdown, name="markdown"),
]
