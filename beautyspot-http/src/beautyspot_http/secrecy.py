"""What is a secret by its name: a header, a parameter of a URL. And URLs less their secrets.

A name is rather taken for a secret once too often: a header that is left out, or a client that is
refused, does less harm than a password in a store.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

MASK: Final = "***"
"""Stands in a URL where a secret was. No library escapes it."""

_ALONE: Final = (
    r"apikey|auth|authentication|authorization|bearer|cookies?|cookie2|credentials?|csrf|hmac|jwt"
    r"|otp|pass(?:code|phrase|wd)|pwd|session|sid|ticket|xsrf|\w*sess(?:ion)?id"
    r"|\w*(?:password|secret|token)\d?"
)
_JOINED: Final = (
    r"(?:access|api|auth|client|csrf|id|private|refresh|secret|security|session|signing"
    r"|subscription|xsrf)(?:key|token|secret|password)"
)
_SECRET: Final = rf"(?:^|[-_.])(?:{_ALONE}|{_JOINED}|\w*[-_.]key)(?:$|[-_.])|{_JOINED}"
# Counts of a model's tokens, where a page or a stream goes on, keys that open nothing.
_HARMLESS: Final = (
    r"token[-_]?(?:budget|cost|count|limit|type|usage)"
    r"|(?:continuation|cursor|next|page|sync)[-_.]?token"
    r"|(?:cache|idempotency|object|partition|routing|sort|surrogate|websocket)[-_]key"
)
_IN_QUERY: Final = r"(?:^|[-_.])(?:key|keyid|pass|pw|sas|sig|signature)$|accesskeyid|key-pair-id"


def is_secret_header(name: str) -> bool:
    """Whether a header of this name tells who someone is, or may be used to act as someone."""
    name = name.lower()
    return re.search(_SECRET, name) is not None and re.search(_HARMLESS, name) is None


def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of a URL is a credential, or a part of a signature."""
    name = re.sub(r"[\[\]\s]+", "-", name.lower()).strip("-")  # as in user[password]
    found = re.search(_SECRET, name) or re.search(_IN_QUERY, name)
    return found is not None and re.search(_HARMLESS, name) is None


def less_secrets(url: str) -> str:
    """A URL with neither user nor password, and without the values of secret parameters."""
    url = re.sub(r"//[^/?#\s]*@", "//", url)
    begin, mark, rest = _parted(url)
    if not mark:
        return url
    parts = re.split(r"([&;?#])", rest)
    return begin + mark + "".join(map(_less_value, parts))


def _parted(url: str) -> tuple[str, str, str]:
    """What stands before the first ``?``, ``#`` or ``;``, that sign, and the rest."""
    found = re.search(r"[?#;]", url)
    if found is None:
        return url, "", ""
    return url[: found.start()], found[0], url[found.end() :]


def _less_value(pair: str) -> str:
    name, equals, value = pair.partition("=")
    hides = equals and value and is_secret_parameter(unquote_plus(name))
    return f"{name}={MASK}" if hides else pair


def text_of(value: object) -> str:
    """A header's name or value, which requests has as a text or as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


_URLS: Final = frozenset({"location", "content-location", "refresh"})
"""Headers that are a URL, which may be a relative one."""


def stored_headers(pairs: list[tuple[str, str]]) -> list[list[str]]:
    """The headers of a response that may be stored, with their URLs less secrets."""
    return [
        [
            name,
            less_secrets(value)
            if name.lower() in _URLS or value.startswith("/")
            else _less_in_urls(value),
        ]
        for name, value in pairs
        if not is_secret_header(name)
    ]


def _less_in_urls(value: str) -> str:
    """A header's value, with the whole URLs in it, and those in angle brackets, less secrets."""
    if "//" not in value and "<" not in value:
        return value
    urls = r"(?:[a-z]+:)?//[^\s<>\"',]+|(?<=<)[^<>]+(?=>)"
    return re.sub(urls, lambda found: less_secrets(found[0]), value)
