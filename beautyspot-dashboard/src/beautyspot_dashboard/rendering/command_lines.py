"""The command line that gives the same as a page."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from beautyspot_cli.formats import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot_dashboard.shelf import Shelved


def command_line(
    shelved: Shelved, command: str, *words: str, options: Mapping[str, object] | None = None
) -> str:
    """The command line, quoted for a shell; options that are None, False or "" are left out."""
    parts = ["beautyspot", *shelved.words, command, *words]
    for name, value in (options or {}).items():
        if value is True:
            parts.append(f"--{name}")
        elif value not in (None, False, ""):
            parts += [f"--{name}", str(value)]
    return " ".join(map(_quoted, parts))


def _quoted(word: str) -> str:
    """The word for a shell; what is not shown as it is, as Bash, zsh and POSIX 2024 write it."""
    if safe(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(sign: str) -> str:
    if sign in "'\\":
        return f"\\{sign}"
    if safe(sign) == sign:
        return sign
    if sign.isascii():
        return f"\\x{ord(sign):02x}"
    return f"\\U{ord(sign):08x}"
