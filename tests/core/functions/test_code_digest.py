"""The digest of a function's code: found in its source, believed only where it is what runs."""

from __future__ import annotations

import json
import linecache
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot
import pytest
from beautyspot.functions.code import code_digest, nodes_of

Load = Callable[..., types.ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a source to a file and run it as a module."""

    def loader(source: str, name: str = "sample", flags: int = 0) -> types.ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        linecache.checkcache(str(path))
        made = types.ModuleType(name)
        made.__file__ = str(path)
        exec(compile(source, str(path), "exec", flags, dont_inherit=True), vars(made))
        return made

    return loader


def test_a_source_that_no_longer_parses_is_none(load: Load, tmp_path: Path):
    found = load("def f():\n    return 1\n")
    (tmp_path / "sample.py").write_text("def f(:\n")
    linecache.checkcache()
    assert nodes_of(found.f) == []
    assert code_digest(found.f)


def bytecode_function(source: str, filename: str = "<nowhere>") -> Any:
    namespace: dict[str, Any] = {"__name__": "nowhere"}
    exec(compile(source, filename, "exec"), namespace)
    return namespace["f"]


def test_where_there_is_no_source_the_bytecode_counts():
    one = code_digest(bytecode_function("def f(x): return x + 1"))
    assert one == code_digest(
        bytecode_function("\n\ndef f(x):\n    # comment\n    return x + 1", "<other>")
    )
    others = [
        "def f(x): return x + 2",
        "def f(x): return x - 1",
        "def f(x): return x + 1.0",
        "def f(y): return y + 1",
        "def f(x): return (lambda: x + 1)",
        "def f(x): return (lambda: x + 2)",
        "def f(x): return x.a",
        "def f(x): return x.b",
        "def f(*x): return x + 1",
        "async def f(x): return x + 1",
    ]
    assert (
        len({one, *[code_digest(bytecode_function(source)) for source in others]})
        == len(others) + 1
    )


def test_a_set_in_bytecode_has_one_form_under_any_hash_seed():
    script = (
        "from beautyspot.functions.code import code_digest\n"
        "ns = {}\n"
        'exec(\'def f(x): return x in {"a", "b", "c", "d"}\', ns)\n'
        "print(code_digest(ns['f']))\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(digests) == 1


def test_lambdas_of_one_line_are_told_apart(load: Load):
    """By their bytecode: in Python 3.12 the code of a constant has no place in the line."""
    line = "fs = [lambda: 1, lambda: True, lambda: 1, lambda: 1.0, lambda x: x, lambda y: y]\n"
    found, moved = load(line), load(f"# a comment\n{line}", "moved")
    digests = [code_digest(item) for item in found.fs]
    assert digests[0] == digests[2]
    assert len(set(digests)) == 5
    assert digests == [code_digest(item) for item in moved.fs]


def test_expressions_too_deep_to_walk_fall_back_to_bytecode(load: Load):
    found = load(f"def f(x):\n    return {' + '.join(['x'] * 500)}\n")
    assert code_digest(found.f) == code_digest(found.f)
    other = load(f"def f(x):\n    return {' + '.join(['x'] * 501)}\n", "other")
    assert code_digest(found.f) != code_digest(other.f)


# ------------------------------------------------------------------------------------- classes


def test_a_class_is_told_by_its_source(load: Load):
    source = (
        "from dataclasses import dataclass\n"
        "class A:\n    def m(self): return 1\n"
        "class B(A):\n    x = 1\n"
        "@dataclass\nclass C:\n    x: int = 1\n"
        "def make():\n    class A:\n        def m(self): return 2\n    return A\n"
    )
    one, two = (
        load(source),
        load(source.replace("x = 1", "x = 2").replace("x: int", "x: str"), "two"),
    )
    sys.modules.update(sample=one, two=two)
    try:
        assert code_digest(one.A) == code_digest(two.A)
        assert code_digest(one.B) != code_digest(two.B)
        assert code_digest(one.C) != code_digest(two.C)
        assert code_digest(one.make()) == code_digest(two.make()) != code_digest(one.A)
    finally:
        del sys.modules["sample"], sys.modules["two"]


def test_a_class_is_found_by_those_of_its_methods_that_stand_in_it(load: Load):
    module = load("class A:\n    def m(self): return 2\ndef f(): pass\nclass B:\n    call = f\n")
    exec(compile("def copy(self): pass", "elsewhere.py", "exec"), vars(module))  # as attrs does
    module.A.__replace__ = module.B.__replace__ = module.copy
    sys.modules["sample"] = module
    try:
        assert len(nodes_of(module.A)) == len(nodes_of(module.B)) == 1
    finally:
        del sys.modules["sample"]


def test_a_dataclass_of_a_cell_is_told_by_its_source(monkeypatch: pytest.MonkeyPatch):
    cell, digests = types.ModuleType("cell"), set()
    monkeypatch.setitem(sys.modules, "cell", cell)
    for number in (1, 2):
        source = (
            "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
            f"    x: list = field(default_factory=lambda: [{number}])\n    def m(self): pass\n"
        )
        lines = len(source), None, source.splitlines(keepends=True), "<cell>"
        monkeypatch.setitem(linecache.cache, "<cell>", lines)
        exec(compile(source, "<cell>", "exec", dont_inherit=True), vars(cell))
        digests.add(code_digest(cell.A))
    assert len(digests) == 2


def test_a_class_without_a_file_is_told_by_fields_and_methods():
    namespace: dict[str, Any] = {"__name__": "nowhere"}
    exec("class A:\n    x: int\nclass B:\n    y: int\nclass C:\n    def m(self): pass", namespace)
    assert len({code_digest(namespace[name]) for name in "ABC"}) == 3


# -------------------------------------------------------------------------------------- golden

GOLDEN = {
    "plain": "8aa9fecdf7a35789c75c95cdda676dfb",
    "waits": "cb781fdaa77604ca4fa1c710734798b6",
    "matches": "827c602440d651edf74f21fbdba14c20",
    "Sample": "f815f8e13c0baa57af242b7516462211",
    "texts": "f9ddabcaee783fd674b5c5b6fed41dc1",
    "decorated": "8a37002560c213ae5f589d3d3f2a9bc9",
    "value": "fd83c7c96553878d10c2dced9d8b5cc0",
    "lambda 0": "a2c701d9f9ddb9a0bb1ede5b4fa2d458",
    "lambda 1": "cb79d363d3308368f7d6957aedf30a86",
}

SAMPLE = '''
import functools

def plain(x, /, y=1, *args, k: int = 0xff, **kwargs) -> "str":
    """Docstring."""
    total: float = 1e3 + 2j.real
    note: str
    with open(x) as one, open(y) as two:
        pass
    for i, (a, *b) in enumerate([*args, -1, ...]):
        while (n := i) and not a: continue
        else: break
    try:
        global plain
        del b[1:2, ::3]
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"{error!r:>{k}} is {x=} " "and" f"{y}" r"\\d" f"") from error
    finally:
        assert x is None, "no"
    return {**kwargs, "a": {1, 2}, 'b': b"\\x00", "c": (x if y else 1.5),
            "d": "\\ud800ä\\N{BULLET}"}

async def waits(xs):
    async with xs as x, x: yield await x
    async for x in xs: yield [y async for y in x if y] or {k: v for k, v in x} or (z for z in x)

def matches(x):
    match x:
        case {"a": [1, *rest], **more} if rest: return more
        case Point(x=0) | -1 | (1 | 2) as y: return lambda self, *, k=None: self @ k
        case None: return not x <= 3 != 4
    try: pass
    except* OSError: pass

@functools.lru_cache(maxsize=None)
def decorated(x: int) -> int:
    """Counts."""
    import os.path as p; from . import q, r as s
    nonlocal_ = x; x += 1
    def inner():
        nonlocal x
        x **= 2
    return inner

class Sample(dict, metaclass=type):
    """Counts too."""
    field: int = 1
    other: "str"
    def method(self, x: int): return super().get(x)
    @property
    def value(self): return self[0]

lambdas = [
    lambda: 1,
    lambda x: f'{x!s}{x:}{x:%Y-%m}',
]

def texts(x): return f"{x['a']:{x}>3} it's" 'b' f'{{{x["a"]=}', f"a{'b'}"
'''

TELL = """
import json, sys, types
package = sys.modules["beautyspot"] = types.ModuleType("beautyspot")
package.__path__ = [sys.argv[1]]  # without its `__init__`, which needs other distributions
import sample
from beautyspot.functions.code import code_digest
names = ["plain", "waits", "matches", "decorated", "Sample", "texts"]
found = {name: code_digest(getattr(sample, name)) for name in names if name != "decorated"}
found["decorated"] = code_digest(sample.decorated.__wrapped__)
found["value"] = code_digest(sample.Sample.value.fget)
found |= {f"lambda {n}": code_digest(item) for n, item in enumerate(sample.lambdas)}
print(json.dumps(found))
"""


def pythons() -> list[str]:
    """This Python and the others that are found: by `BEAUTYSPOT_PYTHONS`, or on the path."""
    given = os.environ.get("BEAUTYSPOT_PYTHONS", "").split(os.pathsep)
    others = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    return [
        sys.executable,
        *[path for path in (*given, *others) if path and path != sys.executable],
    ]


@pytest.mark.parametrize("python", pythons())
def test_digests_are_the_same_in_every_python_and_release(python: str, tmp_path: Path):
    if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} does not run")
    (tmp_path / "sample.py").write_text(SAMPLE, encoding="utf-8")
    (tmp_path / "tell.py").write_text(TELL)
    folder = str(Path(beautyspot.__file__).parent)
    done = subprocess.run(
        [python, "tell.py", folder], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == GOLDEN
