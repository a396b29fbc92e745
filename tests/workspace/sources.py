"""Reads the sources of the members: which module imports what, without running any of it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

MEMBERS = {
    "beautyspot": ROOT / "beautyspot-core",
    "beautyspot_local": ROOT / "beautyspot-local",
    "beautyspot_s3": ROOT / "beautyspot-s3",
    "beautyspot_redis": ROOT / "beautyspot-redis",
    "beautyspot_postgres": ROOT / "beautyspot-postgres",
    "beautyspot_pickle": ROOT / "beautyspot-pickle",
    "beautyspot_http": ROOT / "beautyspot-http",
    "beautyspot_data": ROOT / "beautyspot-data",
    "beautyspot_cli": ROOT / "beautyspot-cli",
    "beautyspot_observe": ROOT / "beautyspot-observe",
    "beautyspot_dashboard": ROOT / "beautyspot-dashboard",
    "beautyspot_testing": ROOT / "beautyspot-testing",
}
"""Import package -> the member that brings it."""

FACES = ["beautyspot_cli", "beautyspot_observe", "beautyspot_dashboard", "beautyspot_testing"]
"""Members that register no plug-in: they stand on the public names, as a user's program does."""

PLUGINS = [package for package in MEMBERS if package not in {"beautyspot", *FACES}]

BEYOND_CORE = [*PLUGINS, *FACES]


class Import(NamedTuple):
    """`from module import name` somewhere in a file; `import module` has the name ""."""

    file: str
    line: int
    module: str
    name: str
    types_only: bool
    top_level: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module} {self.name}".rstrip()


@functools.cache
def files(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    folder = MEMBERS[package] / "src"
    return {_dotted(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def imports(path: Path) -> tuple[Import, ...]:
    """All imports of a file, also those in functions."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Import]:
    where = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node, in_function, for_types in _statements(tree, False, False):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            named = [(module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            named = [(alias.name, "") for alias in node.names]
        else:
            continue
        for module, name in named:
            yield Import(where, node.lineno, module, name, for_types, not in_function)


def _statements(
    parent: ast.AST, in_function: bool, for_types: bool
) -> Iterator[tuple[ast.AST, bool, bool]]:
    """All statements below one, without a look at expressions, which hold no import."""
    in_function |= isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
    checks_types = isinstance(parent, ast.If) and "TYPE_CHECKING" in ast.unparse(parent.test)
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        types = for_types or (checks_types and field == "body")
        blocks = getattr(parent, field, ())
        for child in blocks if isinstance(blocks, list) else ():  # a lambda's is an expression
            yield child, in_function, types
            yield from _statements(child, in_function, types)
