"""Writes what the manual says of signatures and settings, out of the code.

Run it, `python tests/workspace/manual.py`, after a change of either.

`docs/api.md` and `docs/cli-reference.md` are written whole; in other pages the parts between
`<!-- code: … -->` and `<!-- end -->`, and the programs below `<!-- from: … -->`. A test
compares them, so that no page tells of another signature than the code has.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
import click
from beautyspot import hookspecs, observing
from beautyspot.batch.options import MapKeywords, MapOptions
from beautyspot.config.resolve import UNSET
from beautyspot.config.settings import SETTINGS
from beautyspot.tasks.options import MarkKeywords, MarkOptions
from beautyspot_cli.program import beautyspot
from beautyspot_dashboard.program import command as dashboard

sys.path.append(str(Path(__file__).resolve().parents[1]))  # as a program it is in no package
from workspace import tried
from workspace.docstrings import comments, fields, text, told
from workspace.sources import MEMBERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PART = re.compile(r"(<!-- code: (\w+)(?: ([\w. ]+))? -->\n)(.*?)(<!-- end -->)", re.DOTALL)
COPY = re.compile(r"(<!-- from: (\S+) -->\n```python\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
WIDE = 92
KEYWORDS = {
    "MarkKeywords": (MarkKeywords, MarkOptions),
    "MapKeywords": (MapKeywords, MapOptions),
}
"""The keywords that some methods share -> what holds them, with their defaults."""


# ------------------------------------------------------------------------------------- signatures


def in_full(parameters: Iterable[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """Parameters, with those of ``**options: Unpack[MarkKeywords]`` in its place."""
    for parameter in parameters:
        unpacked = re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation))
        if not unpacked or unpacked[1] not in KEYWORDS:  # `Where` has an entry of its own
            yield parameter
            continue
        keywords, options = KEYWORDS[unpacked[1]]
        defaults = {field.name: field.default for field in dataclasses.fields(options)}
        for name, kind in keywords.__annotations__.items():
            yield inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults[name],
                annotation=kind.__forward_arg__,
            )


def signature(function: Any, name: str, *, bound: bool) -> str:
    """How a function is called, as one would write it."""
    shape = inspect.signature(function)
    parameters = list(in_full(shape.parameters.values()))
    if bound and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    words = list(_words(parameters))
    returns = (
        "" if shape.return_annotation is shape.empty else f" -> {_type(shape.return_annotation)}"
    )
    returns = "" if isinstance(function, type) else returns
    line = f"{name}({', '.join(words)}){returns}"
    if len(line) <= WIDE:
        return line
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), f"){returns}"])


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
    default = parameter.default
    if default is UNSET:
        default = SETTINGS[parameter.name].default
    if inspect.isbuiltin(default):
        return f"{text} = {default.__module__}.{default.__name__}"
    return f"{text} = {default!r}" if ":" in text else f"{text}={default!r}"


def _type(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):  # of a named tuple
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


# ------------------------------------------------------------------------------------------- parts


def entry(function: Any, name: str, *, bound: bool, level: str = "###") -> str:
    """One function or method: a heading, how it is called, what it does."""
    shapes = typing.get_overloads(function) or [function]
    calls = "\n".join(signature(shape, name, bound=bound) for shape in shapes)
    return (
        f"{level} `{name.rpartition('.')[2]}`\n\n```text\n{calls}\n```\n\n{text(function, name)}\n"
    )


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


def methods(cls: type, level: str = "###") -> str:
    """All of a class's public methods and properties."""
    return "\n".join(member(cls, name, value, level) for name, value in members(cls))


def member(cls: type, name: str, value: Any, level: str) -> str:
    """One of them; an abstract one says so."""
    where = f"{cls.__name__}.{name}"
    must = " (yours to write)" if name in getattr(cls, "__abstractmethods__", ()) else ""
    if isinstance(value, property):
        kind = _type(inspect.signature(value.fget).return_annotation)  # type: ignore[arg-type]
        shown = f"{level} `{name}`{must}\n\n```text\n{name}: {kind}  (a property)\n```\n"
        return f"{shown}\n{text(value, where)}\n"
    shown = entry(value, name, bound=True, level=level)
    return shown.replace(f"{level} `{name}`", f"{level} `{name}`{must}", 1)


def contract(names: str) -> str:
    """The contract of a base class: its docstring, attributes and methods."""
    [name] = names.split()
    cls = getattr(bs, name)
    constants = "\n".join(_attributes(cls))
    return f"{text(cls, name)}\n\n{constants}\n{methods(cls)}"


def _attributes(cls: type) -> Iterator[str]:
    """Class attributes that a backend may set, with their defaults."""
    for each in _with_parts(cls):
        own = {key: value for key, value in vars(each).items() if not key.startswith("_")}
        for name, annotation in getattr(each, "__annotations__", {}).items():
            if name in own and "ClassVar" in str(annotation):
                yield f"Its default of `{name}` is `{own[name]!r}`.\n"


def suite(names: str) -> str:
    """The switches and factories of a contract suite."""
    module, name = names.rsplit(".", 1)
    cls = getattr(importlib.import_module(f"beautyspot_testing.{module}"), name)
    found = [f"```text\nclass {name}  # of beautyspot_testing.{module}\n```\n", text(cls, name), ""]
    found += ["What it can be told, and what that is by default:\n", *switches(cls), ""]
    for factory in ("make", "make_again", "samples", "same", "source"):
        if hasattr(cls, factory):
            found.append(entry(getattr(cls, factory), factory, bound=True))
    return "\n".join(found)


def switches(cls: type) -> Iterator[str]:
    """`name` = default of each plain attribute of a suite."""
    found = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if not name.startswith("_") and isinstance(value, bool | int):
                found[name] = value
    return (f"- `{name} = {value!r}`" for name, value in found.items())


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


def api() -> str:
    """The page of all public names."""
    named = {name: getattr(bs, name) for name in bs.__all__}
    classes = {name: value for name, value in named.items() if isinstance(value, type)}
    errors = {name: value for name, value in classes.items() if issubclass(value, Exception)}
    bases = [name for name, value in classes.items() if issubclass(value, bs.Backend)]
    plain = [
        name for name in classes if name not in errors and name not in bases and name != "Spot"
    ]
    others = [name for name in named if name not in classes]
    pages = [
        "# Public names\n",
        "All of these are imported from `beautyspot`. This page is written out of the code, by",
        "`python tests/workspace/manual.py`.\n",
        f"## `Spot`\n\n```text\n{signature(bs.Spot, 'Spot', bound=False)}\n```\n",
        text(bs.Spot, "Spot") + "\n\n" + methods(bs.Spot),
        "## Functions and constants\n",
        *(_other(name, named[name]) for name in others),
        "## Classes\n",
        *(_class(name, named[name]) for name in plain),
        "## Backends and their base classes\n",
        "The contracts themselves are in [the pages for authors](plugins/index.md).\n",
        *(_class(name, named[name]) for name in bases),
        "## Errors\n",
        *(_error(name, value) for name, value in errors.items()),
        "\n## Other distributions\n",
        "These are imported from the package that stands before the name.\n",
        *(_others()),
    ]
    return "\n".join(pages).rstrip() + "\n"


def _others() -> Iterator[str]:
    """What the other members bring: how it is made, and what that takes."""
    for package in MEMBERS:
        module = importlib.import_module(package)
        for name in module.__all__ if package != "beautyspot" else ():
            value = getattr(module, name)
            called = f"```text\n{signature(value, name, bound=False)}\n```\n"
            yield f"### `{package}.{name}`\n\n{called}\n{text(value, name)}\n"


def _other(name: str, value: Any) -> str:
    if inspect.isfunction(value):
        return entry(value, name, bound=False)
    if isinstance(value, str):
        return f"### `{name}`\n\n`{value!r}`, a `result_type` of a `TaskRecord`.\n"
    if name in vars(observing):
        return f"### `{name}`\n\n{_alias(name)}\n"
    return f"### `{name}`\n\nMarks a function of a plug-in as a hook: `@bs.{name}`.\n"


def _alias(name: str) -> str:
    """What stands below an alias of `observing`."""
    lines = ast.parse(inspect.getsource(observing)).body
    place = next(n for n, line in enumerate(lines) if ast.unparse(line).startswith(f"{name} = "))
    return inspect.cleandoc(ast.literal_eval(ast.unparse(lines[place + 1])))


def _class(name: str, cls: type) -> str:
    found = [f"### `{name}`\n"]
    if is_made_by_users(cls):
        found.append(f"```text\n{signature(cls, name, bound=False)}\n```\n")
    found += [text(cls, name) + "\n", *fields(cls, name)]
    if _with_parts(cls)[-1].__base__ is not bs.Backend:  # else it is a contract, with its own page
        found.append(methods(cls, "####"))
    return "\n".join(found)


def is_made_by_users(cls: type) -> bool:
    """Whether its constructor is for users: all that it takes is told."""
    if inspect.isabstract(cls) or not ("__init__" in vars(cls) or hasattr(cls, "_fields")):
        return False
    known = told(cls, "Args") | told(cls, "Attributes") | set(comments(cls))
    return set(inspect.signature(cls).parameters) <= known


def _error(name: str, cls: type[Exception]) -> str:
    bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__)
    what, _, more = text(cls, name).partition("\n\n")
    attributes = re.sub(r"^", "  ", more.partition("Attributes:\n\n")[2], flags=re.MULTILINE)
    return f"- `{name}` ({bases}): {' '.join(what.split())}\n{attributes}".rstrip()


def reference() -> str:
    """The page of all commands, out of their `--help`."""
    top = beautyspot.make_context("beautyspot", ["ls"], terminal_width=WIDE)
    found = [
        "# The commands\n",
        "What `beautyspot --help` says, and `--help` behind each command. This page is written by",
        "`python tests/workspace/manual.py`; [the command line](cli.md) tells more.\n",
        f"```text\n{beautyspot.get_help(top)}\n```\n",
    ]
    for name in beautyspot.list_commands(top):
        # "ui" hands all words on, also --help
        command = dashboard if name == "ui" else beautyspot.get_command(top, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=top)
        found.append(f"## `beautyspot {name}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(found)


def renewed(page: str) -> str:
    """A page with its written parts as they have to be."""
    page = COPY.sub(lambda m: f"{m[1]}{(DOCS.parent / m[2]).read_text()}{m[4]}", page)
    return PART.sub(lambda m: f"{m[1]}\n{PARTS[m[2]](m[3] or '').strip()}\n\n{m[5]}", page)


@functools.cache
def pages() -> dict[Path, str]:
    """Every page that holds something written, as it has to be."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
    wanted = {
        path: renewed(page)
        for path, page in found.items()
        if PART.search(page) or COPY.search(page)
    }
    return {DOCS / "api.md": api(), DOCS / "cli-reference.md": reference(), **wanted}


def main() -> None:
    """Write them."""
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
