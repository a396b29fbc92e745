"""When the docstring of a local function counts for its key: where others may read it."""

from __future__ import annotations

import linecache
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest
from beautyspot.testing import memory_spot

HEAD = """
import functools

def prompting(function):
    @functools.wraps(function)
    def asks(*args):
        return function.__doc__, function(*args)
    return asks

def registering(function):
    REGISTRY.append(function)
    return function

REGISTRY = []

def make(spot):
    cached = spot.mark(ttl=60)
"""
F = "def f(x):\n    {}\n    return x"
IN_IT = "@spot.mark\ndef f(x):\n"
ALONE = {
    "mark": f"@spot.mark\n{F}",
    "an alias": f"@cached\n{F}",
    "one that registers": f"@spot.mark\n@registering\n{F}",
    "limiter": f"@spot.mark\n@spot.limiter(cost=1)\n{F}",
    "above": f"@prompting\n@spot.mark\n{F}\nf = f.__wrapped__",
    "static": f"@spot.mark\n@staticmethod\n{F}",
    "a function in it": f"{IN_IT}    def g():\n        {{}}\n        return x\n    return g()",
    "a class in it": f"{IN_IT}    class G:\n        {{}}\n        y = x\n    return G.y",
}
READ = {
    "beneath": f"@spot.mark\n@prompting\n{F}",
    "a base": f"{IN_IT}    class G(dict):\n        {{}}\n    return G",
    "passed on": f"{IN_IT}    def g():\n        {{}}\n    return [g]",
    "captured": f"def g():\n    {{}}\n{IN_IT}    return g",
}


def key(source: str, statement: str, folder: Path) -> str:
    path = folder / "sample.py"
    path.write_text(HEAD + textwrap.indent(source.format(statement), "    ") + "\n    return f")
    linecache.checkcache(str(path))
    module: Any = types.ModuleType("sample")
    module.__file__ = str(path)
    exec(compile(path.read_text(), str(path), "exec", dont_inherit=True), vars(module))
    with memory_spot(limiter="600/min") as spot:
        return spot.key(module.make(spot), 1)


@pytest.mark.parametrize("where", ALONE)
def test_alone_it_makes_no_difference(where: str, tmp_path: Path) -> None:
    statements = ('"""Ask."""', '"""Ask nicely."""', "pass", "pass  # comment")
    assert len({key(ALONE[where], one, tmp_path) for one in statements}) == 1


@pytest.mark.parametrize("where", READ)
def test_where_others_may_read_it_it_counts(where: str, tmp_path: Path) -> None:
    statements = ('"""Ask."""', '"""Ask nicely."""', "pass", "pass  # comment")
    assert len({key(READ[where], one, tmp_path) for one in statements}) == 3
