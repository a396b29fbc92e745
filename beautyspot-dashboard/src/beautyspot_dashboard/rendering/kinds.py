"""What kind of value a row has, told by the row alone: a short word, and one for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from beautyspot import TaskRecord


class Kind(NamedTuple):
    """What kind of value a row has."""

    short: str
    name: str


_PATTERNS: Final = (
    (r"error:.* .*", "error", "error that is a result"),
    (r"stream:.* .*", "stream", "items of a generator"),
    (r".* image/svg\+xml", "SVG", "drawing"),
    (r".* image/.*", "", "picture"),
    (r".* audio/.*", "", "sound"),
    (r".* video/.*", "", "film"),
    (r".* application/pdf", "PDF", "document"),
    (r".* text/html", "HTML", "document"),
    (r".* text/markdown", "MD", "document"),
    (r".* text/vnd\.(mermaid|graphviz)", "graph", "diagram"),
    (r".* (text/csv|application/vnd\.apache\..*)", "table", "table"),
    (r".* application/(.*\+)?json", "JSON", "data"),
    (r".* text/.*|.*raw:text .*", "text", "text"),
    (r".*raw:bytes .*", "bytes", "bytes"),
    (r"file:.*", "file", "file"),
    (r"2\.x .*", "2.x", "of a release before 3.0"),
)
"""Serializer and content type, with a blank between; a short word, "": the subtype; the name."""

_LONGEST: Final = 200
"""Characters of either that are looked at: for a long one the patterns take seconds."""


def kind_of(record: TaskRecord) -> Kind:
    """What kind of value a row has."""
    content_type = (record.content_type or "")[:_LONGEST].partition(";")[0].strip().lower()
    told = f"{plain_serializer(record)[:_LONGEST] or '2.x'} {content_type}"
    for pattern, short, name in _PATTERNS:
        if re.fullmatch(pattern, told, re.DOTALL):
            subtype = re.sub(r"^x-|[^a-z0-9]+.*$", "", content_type.partition("/")[2])
            return Kind(short or subtype[:5].upper() or name, name)
    return Kind("value", "value")


def plain_serializer(record: TaskRecord) -> str:
    """What packed the value, whether or not it was compressed; "" of a release before 3.0."""
    return re.sub(r"\Azstd\.[0-9]{1,20}:", "", record.serializer or "")
