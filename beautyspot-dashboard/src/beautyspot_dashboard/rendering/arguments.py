"""The text of a call's arguments, laid out."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LONGEST: Final = 2000
"""Characters: a longer text, which is none that we wrote, is shown as it is.

Where many quotes do not close, time goes by the square of its length.
"""

_PARTS: Final = re.compile(
    r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<next>,\ )(?=[^\W\d]\w*=|['"][^'"]*['"]=|…$)""",
    re.DOTALL | re.VERBOSE,
)
_NAME: Final = re.compile(r"""([^\W\d]\w*|'[^']*'|"[^"]*")=""")


class Argument(NamedTuple):
    """An argument of a call, as it is shown; without a name where it can't be told."""

    name: str
    text: str


def laid_out(text: str | None) -> list[Argument]:
    """The arguments in ``name=text, name=text``, one by one."""
    if not text:
        return []
    if len(text) > _LONGEST:
        return [Argument("", text)]
    depth, start, found = 0, 0, list[Argument]()
    for part in _PARTS.finditer(text):
        depth += (part["open"] is not None) - (part["close"] is not None)
        if part["next"] and depth <= 0:
            found.append(_argument(text[start : part.start()]))
            start = part.end()
    return [*found, _argument(text[start:])]


def _argument(text: str) -> Argument:
    name = _NAME.match(text)
    return Argument("", text) if name is None else Argument(name[1], text[name.end() :])
