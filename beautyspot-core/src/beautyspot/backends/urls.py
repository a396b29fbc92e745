"""URLs that select a backend."""

from __future__ import annotations

import re
from typing import Final

from beautyspot.errors import ConfigError
from beautyspot.messages.masking import masked

# A text: `re` compiles it when it is first used, and keeps it.
_URL: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://"


def is_url(text: str) -> bool:
    """Whether `text` begins with ``scheme://``."""
    return "://" in text and re.match(_URL, text) is not None


def parse_url(url: str) -> tuple[str, str, dict[str, str]]:
    """The scheme of a URL in lower case, the URL without its query part, and that part.

    Raises:
        ConfigError: an option is given twice in the query part.
    """
    from urllib.parse import parse_qsl

    match = re.match(_URL, url)
    if match is None:
        raise ConfigError(f"{masked(url)!r} is no URL: write it as scheme://...")
    base, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise ConfigError(f"an option is given twice in {masked(url)!r}: leave one of them out")
    return match[1].lower(), base, options
