"""Texts: short ones large, longer ones to be read, code with its colours; and bytes as numbers."""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from beautyspot_dashboard.rendering.texts import count, readable
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.diagrams import LANGUAGES
from beautyspot_dashboard.values.media_types import BYTES, MARKDOWN, TEXT, is_text
from beautyspot_dashboard.values.parts import Written
from beautyspot_dashboard.values.places import JSON, place_of
from beautyspot_dashboard.values.tables import DELIMITED
from beautyspot_dashboard.values.views import View, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look

LARGEST_MARKDOWN: Final = 1_000_000
"""Characters of a text that is shown as Markdown."""

_PAGE: Final = 100_000
"""Characters of a page."""

_BYTES: Final = 4096
"""Bytes of a page."""

_SHORT: Final = 120
_PROSE: Final = re.compile(r"[^.]*|.*\.(txt|log|bin)", re.IGNORECASE | re.DOTALL)
"""Names of files that tell no language."""


def view(place: Place) -> View | None:
    """A text, or bytes; None of all else."""
    value, look = place.value, place.look
    if isinstance(value, str) and not isinstance(value, Written):
        return _prose(place, str(value), [], "")
    if not isinstance(value, bytes | bytearray):
        return None
    data, kind = bytes(value), look.file.kind if place.is_stored else BYTES
    is_known = is_text(kind) or (kind == BYTES and looks_like_text(data[:4096]))
    is_cut = place.is_stored and look.file.size > len(data)
    note = f"These are the first {count(len(data))} bytes." if is_cut else ""
    if look.mode == "hex" or (look.mode != "text" and not is_known):
        return _hex(place, data, note)
    text, told = _decoded(data)
    note = f"{note} {told}".strip()
    ways = [look.way("As bytes", "hex")]
    if look.mode == "text":
        ways.append(look.way("As what it is", None))
    elif place.is_stored and (kind in LANGUAGES or kind in DELIMITED or JSON.fullmatch(kind)):
        note = f"{_DECEIVED} {note}"
    is_prose = kind in (TEXT, BYTES) and _PROSE.fullmatch(look.file.filename)
    if not place.is_stored or is_prose:
        return _prose(place, text, ways, note)
    return _code(place, text, ways, note)


_REPLACED: Final = "Bytes that are no characters of UTF-8 are shown as \N{REPLACEMENT CHARACTER}."
_DECEIVED: Final = (
    "This is not what it is said to be, or too large or nested too deep to be shown as that, so it "
    "is shown as text."
)


def text_at(look: Look) -> str | None:
    """The text that the query names, for a page of Markdown; None where it is none.

    Raises:
        BeautyspotError: the value can't be decoded.
    """
    try:
        place = place_of(look)
    except LookupError:
        return None
    if isinstance(place.value, bytes) and place.is_stored and look.file.kind in (MARKDOWN, TEXT):
        return _decoded(place.value)[0]
    return str(place.value) if isinstance(place.value, str) else None


def looks_like_text(data: bytes) -> bool:
    """Whether bytes are a text, or its beginning, and none of its characters is a control."""
    if not data or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(data) - 3
    return True


def _decoded(data: bytes) -> tuple[str, str]:
    """The characters of a text in UTF-8, or in UTF-16 that says so; and what to know of them."""
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_wide else "utf-8-sig"
    try:
        return data.decode(encoding), ""
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), _REPLACED


def _prose(place: Place, text: str, ways: Sequence[tuple[str, str]], note: str) -> View:
    look = place.look
    context: dict[str, Any] = {"crumbs": place.crumbs, "note": note}
    if look.mode == "markdown" and len(text) <= LARGEST_MARKDOWN:
        at = look.request.query_params.get("at")
        context |= {"src": look.link("markdown", {"at": at}), "links": [look.way("As text", None)]}
        return View("markdown.html", "text as Markdown", context)
    if len(text) <= _SHORT and "\n" not in text.strip("\n"):
        return View("figure.html", "text", context | {"text": text, "type": "", "links": []})
    page = page_of(look, _PAGE, len(text))
    markdown = [look.way("As Markdown", "markdown")] if len(text) <= LARGEST_MARKDOWN else []
    context |= {"text": text[page.start : page.stop], "page": page, "links": [*markdown, *ways]}
    lines = text.count("\n") + (not text.endswith("\n"))
    told = "1 line" if lines == 1 else f"{count(lines)} lines"
    return View("text.html", f"text · {count(len(text))} characters · {told}", context)


def _code(place: Place, text: str, ways: Sequence[tuple[str, str]], note: str) -> View:
    look = place.look
    page = page_of(look, _PAGE, len(text))
    # Made readable before it is coloured: what turns the direction would hide what stands there.
    shown = readable(text[page.start : page.stop])
    language, lines = _coloured(shown, look.file.kind, look.file.filename)
    first = text.count("\n", 0, page.start) + 1
    context = {"lines": list(enumerate(lines, first)), "page": page, "note": note}
    context |= {"crumbs": place.crumbs, "links": ways}
    return View("code.html", language or look.file.kind, context)


@lru_cache(maxsize=32)
def _coloured(text: str, kind: str, filename: str) -> tuple[str | None, Sequence[Markup]]:
    """The name of the language, and the lines; without colours where that is not known.

    The expressions that find the parts are others' work, and take for ever on some texts: they run
    in a process of its own.
    """
    ran = running.run("coloured", [kind, filename], text.encode("utf-8", "replace"))
    language, lines = json.loads(ran.output or "[null, []]")
    if not lines:
        return language, [escape(line) for line in text.removesuffix("\n").split("\n")]
    return language, [Markup(line) for line in lines]  # noqa: S704 - by a formatter that escapes


def _hex(place: Place, data: bytes, note: str) -> View:
    look = place.look
    page = page_of(look, _BYTES, len(data))
    lines = []
    for start in range(page.start, page.stop, 16):
        part = data[start : min(start + 16, page.stop)]
        numbers = f"{part[:8].hex(' ')}  {part[8:].hex(' ')}".ljust(48)
        characters = "".join(chr(each) if 32 <= each < 127 else "·" for each in part)
        lines.append((f"{start:08x}", numbers, characters))
    context = {"lines": lines, "page": page, "note": note, "crumbs": place.crumbs}
    context["links"] = [look.way("As text", "text")]
    kind = look.file.content_type if place.is_stored and look.file.kind != BYTES else "bytes"
    size = look.file.size if place.is_stored else len(data)
    return View("hex.html", f"{kind} · {count(size)} bytes", context)
