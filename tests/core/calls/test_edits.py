"""An edit of a function that has stored results: the digest of its code is stored beside each."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore

Load = Callable[[str], ModuleType]

SOURCE = '''
def f(x, y=2):
    """Add."""
    return x + y

def other():
    return 1

class Worker:
    SIZE = 1
    def run(self, x):
        return x
'''


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Writes a module `app`, and imports it as a new process would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(source: str) -> ModuleType:
        (tmp_path / "app.py").write_text(source)
        sys.modules.pop("app", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        return importlib.import_module("app")

    yield load
    sys.modules.pop("app", None)


def spot_of(store: MemoryMetadataStore) -> bs.Spot:
    return bs.Spot("app", metadata=store, storage="memory", config=False, strict=True)


def code_of(function: Callable[..., Any], *args: Any, **options: Any) -> str | None:
    """What stands in the row of a call."""
    store = MemoryMetadataStore()
    with spot_of(store) as spot:
        spot.mark(**options)(function)(*args)
    [record] = store.scan()
    return record.code


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""Add."""', '"""Sum."""', True),
        ('"""Add."""', "# a comment", True),
        ("return x + y", "return (x +\n        y)", True),
        ("def f(x, y=2)", "def f(x: int, y: int = 2) -> int", True),
        ("\ndef f", "\n\n\n\nimport sys\ndef f", True),
        ("return 1", "return 2", True),
        ("return x + y", "return x - y", False),
        ("y=2", "y=3", False),
        ("\ndef f", "\nimport functools\n@functools.cache\ndef f", False),
    ],
)
def test_the_code_in_a_row_follows_the_function_alone(
    load: Load, old: str, new: str, same: bool
) -> None:
    before = code_of(load(SOURCE).f, 1)
    assert before is not None
    assert (code_of(load(SOURCE.replace(old, new)).f, 1) == before) is same


def test_whatever_the_version_is(load: Load) -> None:
    app = load(SOURCE)
    assert len({code_of(app.f, 1, version=version) for version in (None, 2, "auto")}) == 1


@pytest.mark.parametrize("name", ["Worker.run", "Worker"])
def test_methods_and_classes_have_codes(load: Load, name: str) -> None:
    def code(source: str) -> str | None:
        app = load(source)
        worker = app.Worker()
        call = (app.Worker,) if name == "Worker" else (app.Worker.run, worker, 1)
        return code_of(*call, serializer=Anything())

    before = code(SOURCE)
    assert before is not None
    assert code("\n" + SOURCE) == before
    assert code(SOURCE.replace("return x\n", "return -x\n")) != before


class Anything(bs.SerializerBase):
    name = "anything"

    def dumps(self, value: object) -> bytes:
        return b""

    def loads(self, data: object) -> object:
        return None


def test_without_a_source_there_is_none(load: Load) -> None:
    namespace: dict[str, Any] = {"__name__": "app"}
    exec("def f(x): return x", namespace)
    assert code_of(namespace["f"], 1) is None
    assert code_of(abs, 1) is None


def test_a_result_is_stored_where_nothing_can_be_imported(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "beautyspot.functions.code.digest", None)
    assert code_of(load(SOURCE).f, 1) is None


def test_a_source_that_can_not_be_read_costs_no_result(load: Load) -> None:
    app = load(SOURCE)
    app.__file__ = app.f.__code__.co_filename
    Path(app.__file__).unlink()

    class Loader:
        def get_source(self, name: str) -> str:
            raise RuntimeError(name)

    vars(app).update(__loader__=Loader(), __spec__=None)
    linecache.clearcache()
    assert code_of(app.f, 1) is None
