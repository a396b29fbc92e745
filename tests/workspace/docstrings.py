"""What the code says of itself: docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

SECTION = re.compile(r"^(Args|Attributes|Class attributes|Raises|Returns|Switches[^\n]*):$")


class Undocumented(Exception):
    """Something public has no docstring."""


def text(of: Any, where: str) -> str:
    """A docstring as Markdown."""
    found = inspect.getdoc(of)
    if not found:
        raise Undocumented(f"{where} has no docstring")
    return "\n".join(_markdown(found.splitlines())).strip()


def _markdown(lines: list[str]) -> Iterator[str]:
    inside = ""
    for line in lines:
        line = line.replace("``", "`").rstrip()
        if section := SECTION.match(line):
            inside = section[1]
            yield f"{line}\n"
        elif inside and line.startswith("        "):
            yield f"  {line.strip()}"
        elif inside and line.startswith("    "):
            yield line.strip() if inside == "Returns" else _item(line.strip())
        else:
            inside = inside if not line else ""
            yield line.removesuffix(":") if line.endswith("::") else line


def _item(line: str) -> str:
    names, colon, rest = line.partition(": ")
    if not colon or not re.fullmatch(r"\w+(, \w+)*", names):
        return f"- {line}" if colon else f"  {line}"
    return f"- {', '.join(f'`{name}`' for name in names.split(', '))}: {rest}"


def told(documented: Any, section: str) -> set[str]:
    """The names in a section of a docstring, such as `Args`."""
    found = re.search(
        rf"^{section}:\n(.*?)(?=^\S|\Z)", inspect.getdoc(documented) or "", re.MULTILINE | re.DOTALL
    )
    lines = re.findall(r"^    (\w[\w, ]*): ", found[1], re.MULTILINE) if found else []
    return {name for line in lines for name in line.split(", ")}
