"""Classes and functions that no name leads to, in keys: two that differ are never one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import types
import typing
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import canonical
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
        # Made in the module `types` in Python 3.11; holds the locals of a frame, a dict until 3.12.
        if kind not in {"make_dataclass", "validate_call"}:
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
    if kind == "configured model":
        canonical(cls(x=1))
    assert canonical(cls) == before


@pytest.mark.parametrize("kind", [*made.REFUSED])
def test_classes_that_functions_make_are_refused(kind: str) -> None:
    with pytest.raises(UnstableKeyError, match="define the class in the module, outside of func"):
        canonical(made.REFUSED[kind]())


def test_a_class_that_a_function_made_may_say_what_counts() -> None:
    class Made:
        def __init__(self, number: int) -> None:
            self.number = number

    keygen = bs.KeyGen()
    keygen.register(Made, lambda one: one.number)
    assert keygen.canonical(Made(1)) == keygen.canonical(Made(1)) != keygen.canonical(Made(2))


def test_models_with_functions_that_no_schema_shows_are_refused() -> None:
    models = pytest.importorskip("tests.made_models")
    for make in (models.checked, models.after, models.around_checked):
        with pytest.raises(UnstableKeyError, match="with functions that no schema shows: write it"):
            canonical(make())


def test_variables_that_no_name_leads_to_are_refused() -> None:
    with pytest.raises(UnstableKeyError, match="has no form"):
        canonical(typing.TypeVar("Unknown", bound=int))


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
from beautyspot.keys.generator import canonical
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


def test_so_are_those_with_a_key_function() -> None:
    keygen = bs.KeyGen()
    keygen.register(One, lambda _: "one")
    keygen.register(Holder.One, lambda _: "other")
    assert "one" in keygen.canonical(One())
    assert "other" in keygen.canonical(Holder.One())


def test_a_forward_reference_is_told_by_its_text() -> None:
    assert canonical(typing.List["A"]) != canonical(typing.List["B"])  # noqa: F821, UP006


def test_a_notebook_counts_the_source_of_a_class_and_leaves_its_clients_alone() -> None:
    def cell(body: str, base: str = "pass") -> str:
        module = types.ModuleType("notebook_cells")
        sys.modules[module.__name__] = module
        try:
            exec(
                f"import threading\nclass Base:\n {base}\n"
                f"class Item(Base):\n client = threading.Lock()\n {body}",
                vars(module),
            )
            return canonical(vars(module)["Item"]())
        finally:
            del sys.modules[module.__name__]

    assert cell("limit = 1") == cell("limit = 1") != cell("limit = 2")
    assert cell("def f(self): return 1") != cell("def f(self): return 2")
    assert cell("pass", "limit = 1") != cell("pass", "limit = 2")


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(texts_by_kind(), indent=1) + "\n")
