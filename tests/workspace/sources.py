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
    "beautyspot_pickle": ROOT / "beautyspot-pickle",
    "beautyspot_cli": ROOT / "beautyspot-cli",
    "beautyspot_observe": ROOT / "beautyspot-observe",
    "beautyspot_dashboard": ROOT / "beautyspot-dashboard",
}
"""Import package -> the member that brings it."""

FACES = ["beautyspot_cli", "beautyspot_observe", "beautyspot_dashboard"]
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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = set(_for_types(tree))
    in_functions = set(_in_functions(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            named = [(module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            named = [(alias.name, "") for alias in node.names]
        else:
            continue
        where = path.relative_to(ROOT).as_posix()
        for module, name in named:
            top_level = node not in in_functions
            yield Import(where, node.lineno, module, name, node in for_types, top_level)


def _for_types(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                yield from ast.walk(statement)


def _in_functions(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ast.walk(node)
