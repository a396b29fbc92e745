"""How stored bytes reach a browser: as one of a few types, with no right but to be looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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
    return FileResponse(
        look.file.path,
        headers=VALUE_HEADERS,
        media_type=kind or BYTES,
        filename=_safe_name(look.file.filename),
        content_disposition_type="attachment" if saved else "inline",
    )


def _safe_name(name: str) -> str:
    """A name for a file, of a name which may be anything."""
    clean = re.sub(_UNSAFE, "_", name).strip(". ") or "result"
    stem, dot, extension = clean.rpartition(".")
    if len(clean) > _LONGEST:
        clean = f"{(stem or extension)[: _LONGEST - 20]}{dot}{extension[:19]}"
    return clean
