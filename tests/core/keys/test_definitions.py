"""Classes and functions that no name leads to, in keys: two that differ are never one."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
import types
import typing
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.canonical import canonical
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import made

ROOT = __file__.rpartition("tests")[0]


@pytest.mark.parametrize(("kind", "aspect"), made.cases())
def test_what_differs_in_one_aspect_is_told_apart(kind: str, aspect: str) -> None:
    one, again, other = made.made(kind), made.made(kind), made.made(kind, **{aspect: 1})
    assert canonical(one) == canonical(again)
    assert canonical(one) != canonical(other)


GOLDEN = Path(__file__).parent / "golden" / "made.json"


def texts_by_kind() -> dict[str, str]:
    """A digest for each kind of what factories make; ``python -m`` with this module writes it."""
    texts: dict[str, str] = {}
    for kind, aspect in made.cases():
        if kind != "make_dataclass":  # of the module `types` in Python 3.11
            text = texts.get(kind, "") + canonical(made.made(kind, **{aspect: 1}))
            texts[kind] = hashlib.md5(text.encode()).hexdigest()
    return texts


def test_every_python_agrees() -> None:
    here, golden = texts_by_kind(), json.loads(GOLDEN.read_text())
    assert here == {kind: golden[kind] for kind in here}  # a Python may have no pydantic


@pytest.mark.parametrize("kind", [*made.all_kinds()])
def test_using_it_changes_nothing(kind: str) -> None:
    cls = made.made(kind)
    before = canonical(cls)
    getattr(cls, "__annotations__", None), cls.__doc__
    if isinstance(cls, type):
        issubclass(bool, cls) if type(cls) is type else None
    if kind in INSTANTIABLE:
        copy.deepcopy(made_instance(cls))
        del cls.ask
    assert canonical(cls) == before


@st.composite
def makings(draw: Any) -> tuple[str, dict[str, int]]:
    kind = draw(st.sampled_from(sorted(made.all_kinds())))
    aspects = sorted(made.all_kinds()[kind][1])
    return kind, draw(st.fixed_dictionaries({aspect: st.integers(0, 1) for aspect in aspects}))


@settings(deadline=None, max_examples=60)
@given(makings(), makings())
def test_texts_agree_exactly_where_all_aspects_do(one: Any, other: Any) -> None:
    texts = [canonical(made.made(kind, **changed)) for kind, changed in (one, other)]
    assert (texts[0] == texts[1]) == (one == other)


PRINT = """
from beautyspot.keys.canonical import canonical
from tests import made
for kind, aspect in made.cases():
    print(kind, aspect, canonical(made.made(kind, **{aspect: 1})))
"""


def printed(python: str, seed: str, *flags: str) -> list[str]:
    path = os.pathsep.join([ROOT, bs.__file__.rpartition("beautyspot")[0]])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
    command = [python, *flags, "-W", "ignore", "-c", PRINT]
    made = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()


def test_another_process_agrees() -> None:
    here = {
        f"{kind} {aspect} {canonical(made.made(kind, **{aspect: 1}))}"
        for kind, aspect in made.cases()
    }
    assert set(printed(sys.executable, "1")) == here


INSTANTIABLE = ("class", "dataclass", "NamedTuple", "Enum", "model", "recursive model", "attrs")


@pytest.mark.parametrize("kind", INSTANTIABLE)
def test_so_are_instances_and_their_methods(make_spot: Any, kind: str) -> None:
    if kind not in made.all_kinds():
        pytest.skip("no pydantic")
    spot = make_spot()
    keys = set()
    for changed in ({}, {"default": 1}, {"captured": 1}, {"value": 1}):
        if changed.keys() <= made.all_kinds()[kind][1].keys():
            instance = made_instance(made.made(kind, **changed))
            keys.add(spot.key(lambda x: x, instance))
            keys.add(spot.key(instance.ask, 1))
            keys.add(spot.key(instance.ask, 1))
    assert len(keys) in (4, 6)


def made_instance(cls: Any) -> Any:
    """An instance with a method that stands in a module."""
    if hasattr(cls, "__members__"):
        found = cls.ONE
    elif issubclass(cls, tuple):
        found = cls(1, 2)
    elif hasattr(cls, "model_construct"):
        found = cls.model_construct()
    else:
        found = cls()
    cls.ask = ask
    return found


def ask(self: Any, x: int) -> int:
    return x


def test_a_class_may_hold_itself_and_its_instances() -> None:
    def make(number: int) -> Any:
        class Node:
            children: list[Node]
            self_made: Any = None

            def other(self) -> Any:
                return Node, number

        Node.self_made = Node()
        Node.parent = Node
        Node.__annotations__["children"] = list[Node]
        return Node

    assert canonical(make(1)) == canonical(make(1)) != canonical(make(2))


def test_functions_that_know_each_other_come_to_an_end() -> None:
    def make(number: int) -> Any:
        def even(n: int) -> Any:
            return n == 0 or table["odd"](n - 1)

        def odd(n: int) -> Any:
            return n != number and even(n - 1)

        table = {"odd": odd, "even": even}
        return even

    assert canonical(make(1)) == canonical(make(1)) != canonical(make(0))


def test_the_order_of_a_set_does_not_count() -> None:
    def make(*numbers: int) -> Any:
        functions = {made.local(number) for number in numbers}
        by_class = {made.item(x=number): number for number in numbers}
        return lambda: (functions, by_class)

    assert canonical(make(1, 2, 3)) == canonical(make(3, 2, 1)) != canonical(make(1, 2))


def test_a_class_in_a_set_that_it_holds_itself_is_refused() -> None:
    class Made:
        all_of_them: Any

    Made.all_of_them = {Made}
    with pytest.raises(UnstableKeyError, match="contains itself"):
        canonical(Made)


def test_parts_that_are_shared_are_written_once() -> None:
    function = made.local(1)
    part: list[Any] = [function, "x" * 9000]
    for _ in range(60):
        part = [part, part]
    shared = part
    assert canonical(lambda: shared)


@pytest.mark.parametrize("make", [lambda lock: made.item(guard=lock), lambda lock: lambda: lock])
def test_what_has_no_stable_form_is_named(make: Any) -> None:
    with pytest.raises(UnstableKeyError, match=r"value(\.guard|<captured lock>) is a _thread.lock"):
        canonical(make(threading.Lock()))


class ByName(type):
    """A metaclass whose classes are equal if their names are."""

    def __eq__(cls, other: object) -> bool:
        return isinstance(other, type) and cls.__name__ == other.__name__

    def __hash__(cls) -> int:
        return hash(cls.__name__)


class One(metaclass=ByName):
    x = 1


class Holder:
    class One(metaclass=ByName):
        x = 2


def test_classes_that_are_equal_are_told_apart() -> None:
    assert One == Holder.One
    assert canonical(One) != canonical(Holder.One)
    assert canonical(One()) != canonical(Holder.One())
    same = [ByName("Same", (), {"x": x}) for x in (1, 2)]
    assert canonical(same[0]) != canonical(same[1])


def test_so_are_those_with_a_key_function() -> None:
    keygen = bs.KeyGen()
    keygen.register(One, lambda _: "one")
    keygen.register(Holder.One, lambda _: "other")
    assert "one" in keygen.canonical(One())
    assert "other" in keygen.canonical(Holder.One())


T = typing.TypeVar("T")


def test_type_variables_of_one_name_are_told_by_their_bounds() -> None:
    wide, narrow = typing.TypeVar("T"), typing.TypeVar("T", bound=int)
    assert len({canonical(one) for one in (T, wide, narrow)}) == 3
    assert canonical(narrow) == canonical(typing.TypeVar("T", bound=int))


def test_a_forward_reference_is_told_by_its_text() -> None:
    assert canonical(typing.List["A"]) != canonical(typing.List["B"])  # noqa: F821, UP006


def test_the_docstring_counts_however_python_indents_it() -> None:
    def one() -> None:
        """First.

        Second.
        """

    def two() -> None:
        """First.

        Second.
        """  # noqa: D207, D208

    two.__qualname__ = one.__qualname__
    two.__doc__ = "First.\n\nSecond.\n"
    assert canonical(one) == canonical(two)


def test_methods_of_every_kind_are_told_apart() -> None:
    texts = {
        canonical(type("Made", (), {"method": kind(made.plus)}))
        for kind in (staticmethod, classmethod, property, functools.cached_property, lambda f: f)
    }
    assert len(texts) == 5


def test_a_notebook_counts_the_source_of_a_class_and_leaves_its_clients_alone() -> None:
    def cell(body: str) -> str:
        module = types.ModuleType("notebook_cells")
        sys.modules[module.__name__] = module
        try:
            exec(
                f"import threading\nclass Item:\n client = threading.Lock()\n {body}", vars(module)
            )
            return canonical(vars(module)["Item"]())
        finally:
            del sys.modules[module.__name__]

    assert cell("limit = 1") == cell("limit = 1") != cell("limit = 2")
    assert cell("def f(self): return 1") != cell("def f(self): return 2")


MADE_BY_CALLS = (
    "collections.namedtuple('Item', {names!r})",
    "dataclasses.make_dataclass('Item', {names!r}.split(), namespace={{'__module__': 'by_calls'}})",
    "type('Item', (), dict.fromkeys({names!r}.split()))",
    "enum.Enum('Item', {names!r})",
)


@pytest.mark.parametrize("call", MADE_BY_CALLS)
def test_what_a_call_made_is_told_by_its_content_under_its_name_too(
    call: str, tmp_path: Path
) -> None:
    """A loop, or the next run, may make another one under the same name."""
    module, texts = types.ModuleType("by_calls"), []
    module.__file__ = str(tmp_path / "by_calls.py")
    Path(module.__file__).write_text("# its source")
    vars(module)["__spec__"] = ModuleSpec("by_calls", None)
    sys.modules["by_calls"] = module
    try:
        for names in ("a b", "a c", "a b"):
            exec(
                f"import collections, dataclasses, enum\nItem = {call.format(names=names)}",
                vars(module),
            )
            texts.append(canonical(module.Item))
    finally:
        del sys.modules["by_calls"]
    assert texts[0] == texts[2] != texts[1]


def test_a_dataclass_counts_what_its_fields_say() -> None:
    def make(**options: Any) -> Any:
        return dataclasses.make_dataclass("Made", [("x", int, dataclasses.field(**options))])

    options = [{}, {"default": 1}, {"default_factory": int}, {"repr": False}, {"hash": True}]
    options += [{"metadata": {"unit": "m"}}, {"init": False}, {"kw_only": True}]
    assert len({canonical(make(**each)) for each in options}) == len(options)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(texts_by_kind(), indent=1) + "\n")
