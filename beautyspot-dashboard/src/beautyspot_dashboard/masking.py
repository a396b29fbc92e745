"""`masked`: where a store is, as pages may tell it. URLs of servers may hold passwords."""

from __future__ import annotations

import re
from typing import Final

_USERINFO: Final = r"(?<=://)(?:[^/?#@\s]+:(?!\d*(?:[/?#]|$))\S*|[^/?#\s]*)@"
"""What stands in front of a host. A password may have a "/" in it that should have been quoted."""

_OPTION: Final = r"(?i)([?&][^=&]*(?:pass|pwd|secret|token|key|sig|cred|auth)[^=&]*=)[^&]+"


def masked(word: str) -> str:
    """The word of a command line, with ``***`` for what is secret if it is a URL."""
    if "://" not in word:
        return word
    return re.sub(_OPTION, r"\1***", re.sub(_USERINFO, "***@", word))
