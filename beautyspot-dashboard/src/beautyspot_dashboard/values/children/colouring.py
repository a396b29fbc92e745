"""Tells which parts of a source are keywords, texts, comments. Runs in a process of its own.

The words are the content type and the name of a file. The output is JSON: the name of the language,
and the parts, each a CSS class and a text.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OTHER_NAMES: Final = {"application/sql": "text/x-sql"}


def coloured(source: str, content_type: str, filename: str) -> list[Any]:
    """The name of the language, None where it is not known, and the parts."""
    from pygments.util import ClassNotFound  # type: ignore[import-untyped] # it ships no types

    try:
        lexer = _lexer(content_type, filename)
    except ClassNotFound:
        return [None, []]
    return [lexer.name, list(_parts(lexer, source))]


def _lexer(content_type: str, filename: str) -> Any:
    from pygments.lexers import (  # type: ignore[import-untyped] # it ships no types
        get_lexer_for_filename,
        get_lexer_for_mimetype,
    )
    from pygments.util import ClassNotFound

    options: dict[str, Any] = {"stripnl": False, "ensurenl": False}
    for suffix in ("json", "xml"):
        if content_type.endswith(f"+{suffix}"):
            content_type = f"application/{suffix}"
    content_type = _OTHER_NAMES.get(content_type, content_type)
    try:
        if content_type in ("text/plain", "application/octet-stream"):
            return get_lexer_for_filename(filename, **options)
        return get_lexer_for_mimetype(content_type, **options)
    except ClassNotFound:
        return get_lexer_for_filename(filename, **options)


def _parts(lexer: Any, source: str) -> Iterator[list[str]]:
    from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped] # it ships no types

    name, text = "", ""
    for token, value in lexer.get_tokens(source):
        found = next(
            STANDARD_TYPES[each] for each in reversed(token.split()) if each in STANDARD_TYPES
        )
        if found != name and text:
            yield [name, text]
            text = ""
        name, text = found, text + value
    if text:
        yield [name, text]


def make(words: Sequence[str], source: IO[bytes]) -> bytes:
    """Answer as a child does."""
    text = source.read().decode("utf-8", "replace")
    return json.dumps(coloured(text, *words)).encode()


if __name__ == "__main__":  # pragma: no cover - children are not measured
    from beautyspot_dashboard.values.children.limits import answer

    answer(make, seconds=5, megabytes=1000)
