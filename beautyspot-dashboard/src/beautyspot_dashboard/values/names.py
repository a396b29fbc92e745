"""Names of files in `Content-Disposition` (RFC 6266, 8187)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

_UNSAFE: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    '\\\\/:*?"<>|%]'
)
"""Controls, what hides or turns text, and what a file system or a header takes for something."""

_LONGEST: Final = 150


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
