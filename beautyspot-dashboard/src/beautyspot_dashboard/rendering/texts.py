"""Numbers, times and stored texts, as people read them: filters of the templates.

They are those of the command line, so that both say the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beautyspot_cli import formats
from beautyspot_cli.formats import ago, iso, moment, money, safe, safe_lines, size

if TYPE_CHECKING:
    from collections.abc import Callable


def count(number: int) -> str:
    """A number of things, with commas."""
    return f"{number:,}"


def short_name(identifier: str) -> str:
    """What a function is called by people: what stands behind the colon."""
    return safe(identifier.rpartition(":")[2] or identifier)


def module(identifier: str) -> str:
    """What stands in front of that: where the function is."""
    return safe(identifier.rpartition(":")[0])


def sentence(text: str) -> str:
    """A message as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


_OTHER: Final = re.compile("[^\t\u200c\u200d]+")
"""All but tabs, and the joiners that scripts and emoji are written with."""


def readable(text: str) -> str:
    """A stored text of several lines as people write them, for elements that keep white space.

    Controls, what turns the direction, and lone surrogates are written as in Python.
    """
    return _OTHER.sub(lambda found: safe_lines(found[0]), text.replace("\r\n", "\n"))


def duration(seconds: float | None) -> str:
    """A time in a few characters; what a terminal may not have stands here as it is written."""
    return formats.duration(seconds).replace("us", "µs")


def cut(text: str, length: int) -> str:
    """A text of at most so many characters: what is too much is taken out of its middle.

    Paths and calls differ at their ends.
    """
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return f"{text[: length - 1 - end]}…{text[-end:]}"


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "ago": ago,
    "count": count,
    "cut": cut,
    "duration": duration,
    "iso": iso,
    "module": module,
    "moment": moment,
    "money": money,
    "readable": readable,
    "safe_text": safe,
    "safe_lines": safe_lines,
    "sentence": sentence,
    "short_name": short_name,
    "size": size,
}
