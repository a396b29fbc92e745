"""URLs that select a backend."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from beautyspot.errors import ConfigError
from beautyspot.messages.masking import masked

# A text: `re` compiles it when it is first used, and keeps it.
_URL: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://"


class Url(NamedTuple):
    """A URL that selects a backend, taken apart."""

    scheme: str  # lower case
    base: str  # without the query part
    query: dict[str, str]


def is_url(text: str) -> bool:
    """Whether `text` begins with ``scheme://``."""
    return "://" in text and re.match(_URL, text) is not None


def parse_url(url: str) -> Url:
    """Take `url` apart.

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
    return Url(match[1].lower(), base, options)
