"""How stored bytes reach a browser: as one of a few types, with no right but to be looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.responses import FileResponse

from beautyspot_dashboard.values.media_types import BYTES, served_type

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

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


def sent(look: Look) -> FileResponse:
    """The bytes of a value, or the part that is asked for, or to be saved where no browser knows
    the type."""
    kind = served_type(look.file.kind)
    saved = kind is None or "download" in look.request.query_params
    headers = {
        **VALUE_HEADERS,
        "content-disposition": disposition(look.file.filename, saved=saved),
    }
    return FileResponse(look.file.path, headers=headers, media_type=kind or BYTES)


def disposition(name: str, *, saved: bool) -> str:
    """The header for a file of a name, which may be anything.

    Args:
        name: of the file.
        saved: whether the browser has to save it, and may not show it.
    """
    clean = re.sub(_UNSAFE, "_", name).strip(". ") or "result"
    stem, dot, extension = clean.rpartition(".")
    if len(clean) > _LONGEST:
        clean = f"{(stem or extension)[: _LONGEST - 20]}{dot}{extension[:19]}"
    plain = re.sub(r"[^\x20-\x7e]", "_", clean)
    how = "attachment" if saved else "inline"
    coded = "" if plain == clean else f"; filename*=UTF-8''{quote(clean, safe='')}"
    return f'{how}; filename="{plain}"{coded}'
