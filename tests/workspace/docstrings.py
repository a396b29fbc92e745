"""What the code says of itself: docstrings, and comments beside fields."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
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


def fields(cls: type, name: str) -> Iterator[str]:
    """What the comments beside its fields say, where its docstring does not list them."""
    named = getattr(cls, "_fields", None) or getattr(cls, "__dataclass_fields__", ())
    lacking = [field for field in named if field[0] != "_" and field not in told(cls, "Attributes")]
    said = comments(cls) if lacking else {}
    if silent := [field for field in lacking if field not in said]:
        raise Undocumented(f"{name} says nothing of {', '.join(silent)}")
    if lacking:
        yield "Attributes:\n"
        yield from (f"- `{field}`: {said[field]}" for field in lacking)
        yield ""


def comments(cls: type) -> dict[str, str]:
    """What stands behind the fields of a class: `name: type  # this`."""
    source = textwrap.dedent(inspect.getsource(cls))
    [definition] = ast.parse(source).body
    lines = source.splitlines()
    found = {}
    for line in getattr(definition, "body", ()):
        if isinstance(line, ast.AnnAssign) and ast.unparse(line.target)[0] != "_":
            behind = lines[line.end_lineno - 1].encode()[line.end_col_offset :].decode()
            _, _, said = behind.partition("# ")
            found |= {ast.unparse(line.target): said} if said else {}
    return found
