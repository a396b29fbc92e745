"""How stored bytes reach a browser: as one of a few types, with no right but to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse

from beautyspot_dashboard.values.media_types import BYTES, served_type
from beautyspot_dashboard.values.names import disposition

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
