"""Writes what the manual says of signatures and settings, out of the code.

Run it, `python tests/workspace/manual.py`, after a change of either.

It writes the parts of pages between `<!-- code: … -->` and `<!-- end -->`, and the programs below
`<!-- from: … -->`. A test compares them, so that no page tells of another signature than the code
has.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
from beautyspot import hookspecs
from beautyspot.config.settings import SETTINGS

sys.path.append(str(Path(__file__).resolve().parents[1]))  # as a program it is in no package
from workspace import tried
from workspace.docstrings import text

DOCS = Path(__file__).resolve().parents[2] / "docs"
PART = re.compile(r"(<!-- code: (\w+)(?: ([\w. ]+))? -->\n)(.*?)(<!-- end -->)", re.DOTALL)
SITE = "[on the site](../site/api.md)"
COPY = re.compile(r"(<!-- from: (\S+) -->\n```python\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


# ------------------------------------------------------------------------------------- signatures


def signature(function: Any, name: str, *, bound: bool) -> str:
    """How a function is called, as one would write it."""
    shape = inspect.signature(function)
    parameters = list(shape.parameters.values())
    if bound and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    returns = shape.return_annotation
    arrow = "" if returns is shape.empty else f" -> {_type(returns)}"
    return f"{name}({', '.join(_words(parameters))}){arrow}"


def _words(parameters: list[inspect.Parameter]) -> Iterator[str]:
    kinds = [parameter.kind for parameter in parameters]
    only = inspect.Parameter
    for place, parameter in enumerate(parameters):
        before = kinds[place - 1] if place else None
        if before is only.POSITIONAL_ONLY and parameter.kind is not only.POSITIONAL_ONLY:
            yield "/"
        if parameter.kind is only.KEYWORD_ONLY and before not in (
            only.KEYWORD_ONLY,
            only.VAR_POSITIONAL,
        ):
            yield "*"
        yield _word(parameter)
    if kinds and kinds[-1] is only.POSITIONAL_ONLY:
        yield "/"


def _word(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = stars + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_type(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    return f"{text} = {parameter.default!r}" if ":" in text else f"{text}={parameter.default!r}"


def _type(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):  # of a named tuple
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


# ------------------------------------------------------------------------------------------- parts


def entry(function: Any, name: str, must: str = "") -> str:
    """One method: how it is called, and the beginning of what its docstring says of it."""
    short = name.rpartition(".")[2]
    if isinstance(function, property):
        returns = inspect.signature(function.fget).return_annotation  # type: ignore[arg-type]
        shown = f"{short}: {_type(returns)}"
    else:
        shown = signature(function, short, bound=True)
    first, *_ = text(function, name).split("\n\n")
    return f"- `{shown}`{must}: {' '.join(first.split())}"


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines, or a part of it that has no page."""
    for name, value in (item for each in _with_parts(cls) for item in vars(each).items()):
        if not name.startswith("_") and not name.startswith("test_"):
            if isinstance(value, classmethod | staticmethod):
                yield name, getattr(cls, name)
            elif inspect.isfunction(value) or isinstance(value, property):
                yield name, value


def _with_parts(cls: type) -> list[type]:
    return [cls, *(base for base in cls.__bases__ if _is_part(base))]


def _is_part(base: type) -> bool:
    return base.__module__.startswith("beautyspot.") and base.__name__ not in bs.__all__


def contract(name: str) -> str:
    """The contract of a base class: its docstring, its attributes, and a line for each method."""
    cls = getattr(bs, name)
    lines = [text(cls, name), ""]
    if told := ", ".join(_attributes(cls)):
        lines.append(f"By default: {told}.\n")
    for method, value in members(cls):
        must = " (yours to write)" if method in getattr(cls, "__abstractmethods__", ()) else ""
        lines.append(entry(value, f"{name}.{method}", must))
    lines.append(f"\nWith arguments and errors: `python -m pydoc beautyspot.{name}`, and {SITE}.")
    return "\n".join(lines)


def _attributes(cls: type) -> Iterator[str]:
    """Class attributes that a backend may set, with their defaults."""
    for each in _with_parts(cls):
        own = {key: value for key, value in vars(each).items() if not key.startswith("_")}
        for name, annotation in getattr(each, "__annotations__", {}).items():
            if name in own and "ClassVar" in str(annotation):
                yield f"`{name} = {own[name]!r}`"


def suite(names: str) -> str:
    """The switches and factories of a contract suite."""
    module, name = names.rsplit(".", 1)
    cls = getattr(importlib.import_module(f"beautyspot_testing.{module}"), name)
    lines = [f"`beautyspot_testing.{module}.{name}`: {text(cls, name)}", ""]
    if told := ", ".join(switches(cls)):
        lines.append(f"By default: {told}.\n")
    for factory in ("make", "make_again", "samples", "same", "source"):
        if hasattr(cls, factory):
            lines.append(entry(getattr(cls, factory), f"{name}.{factory}"))
    return "\n".join(lines)


def switches(cls: type) -> Iterator[str]:
    """`name` = default of each plain attribute of a suite."""
    found = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if not name.startswith("_") and isinstance(value, bool | int):
                found[name] = value
    return (f"`{name} = {value!r}`" for name, value in found.items())


def settings(_: str) -> str:
    """The table of all settings."""
    rows = ["| setting | environment | default | takes | |", "|---|---|---|---|---|"]
    for one in SETTINGS.values():
        cells = (f"`{one.name}`", f"`{one.variable}`", f"`{one.default!r}`", one.expects, one.what)
        escaped = (re.sub(r"([|<])", r"\\\1", cell) for cell in cells)
        rows.append(f"| {' | '.join(escaped)} |")
    return "\n".join(rows) + "\n"


def hooks(_: str) -> str:
    """All hooks, with their signatures."""
    found = []
    for name, function in vars(hookspecs).items():
        if name.startswith("beautyspot_register_"):
            found.append(f"- `{signature(function, name, bound=False)}`: {text(function, name)}")
    return "\n".join(found) + "\n"


PARTS: dict[str, Callable[[str], str]] = {
    "contract": contract,
    "suite": suite,
    "settings": settings,
    "hooks": hooks,
    "tried": lambda _: tried.table(),
}


# ------------------------------------------------------------------------------------------- pages


def renewed(page: str) -> str:
    """A page with its written parts as they have to be."""
    page = COPY.sub(lambda m: f"{m[1]}{(DOCS.parent / m[2]).read_text()}{m[4]}", page)
    return PART.sub(lambda m: f"{m[1]}\n{PARTS[m[2]](m[3] or '').strip()}\n\n{m[5]}", page)


@functools.cache
def pages() -> dict[Path, str]:
    """Every page that holds something written, as it has to be."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
    return {
        path: renewed(page)
        for path, page in found.items()
        if PART.search(page) or COPY.search(page)
    }


def main() -> None:
    """Write them."""
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
