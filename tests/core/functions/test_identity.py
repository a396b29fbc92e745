"""Which function is it: the name, whether it leads back, the code and what is held beside it."""

from __future__ import annotations

import functools
import math
import re
import runpy
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from beautyspot.functions.identity import Identity
from beautyspot.functions.names import python_function
from beautyspot.testing import memory_spot

HERE = __name__


def _our_wrapper() -> Callable[[Any], Any]:
    """A decorator such as `spot.mark`, whose code is in a module of ours."""
    namespace: dict[str, Any] = {"__name__": "beautyspot.calls.wrappers", "functools": functools}
    exec(
        "def mark(func):\n"
        "    @functools.wraps(func)\n"
        "    def wrapper(*args, **kwargs): return func(*args, **kwargs)\n"
        "    wrapper.__beautyspot__ = 'a task'\n"
        "    return wrapper\n",
        namespace,
    )
    return namespace["mark"]


mark = _our_wrapper()


def polite(func: Any) -> Any:
    """Somebody's decorator that keeps the name."""

    @functools.wraps(func)
    def wrapper(*args: Any) -> Any:
        return func(*args)

    return wrapper


def rude(func: Any) -> Any:
    """Somebody's decorator that leaves no way back."""

    def wrapper(*args: Any) -> Any:
        return func(*args)

    return wrapper


class Counted:
    """Somebody's decorator that is a class."""

    def __init__(self, func: Any, times: int = 1) -> None:
        functools.update_wrapper(self, func)
        self.times = times

    def __call__(self) -> None: ...


def plain() -> None: ...


def twice_defined() -> int:
    return 1


first_definition = twice_defined


def twice_defined() -> int:  # type: ignore[no-redef]  # noqa: F811 - that is the case
    return 2


@mark
def marked() -> None: ...


@polite
@mark
@polite
def wrapped_above_and_beneath() -> None: ...


@rude
@mark
def hidden() -> None: ...


def registered(func: Any) -> None:
    """Somebody's decorator that keeps the function elsewhere."""
    REGISTRY.append(func)


REGISTRY: list[Any] = []


@registered
@mark
def kept_elsewhere() -> int:
    return 1


@registered
@mark
def kept_elsewhere() -> int:  # type: ignore[no-redef]  # noqa: F811 - that is the case
    return 2


@registered
@mark
def taken_away() -> None: ...


taken_away = 3  # type: ignore[assignment]  # noqa: F811 - that is the case


def renamed(name: str) -> Any:
    """A tool that somebody named by hand, in the module of the test."""

    def tool() -> str:
        return name

    tool.__name__ = tool.__qualname__ = name
    return tool


@mark
@Counted
def counted() -> None: ...


@mark
@functools.lru_cache
def remembered() -> None: ...


@mark
@mark
def marked_twice() -> None: ...


class Outer:
    class Inner:
        def method(self) -> None: ...

        @mark
        def marked_method(self) -> None: ...

        @staticmethod
        @mark
        def static() -> None: ...

        @property
        def value(self) -> int:
            return 1

        @functools.cached_property
        def cached(self) -> int:
            return 1

        def __private(self) -> None: ...

        first_private = __private

        def __private(self) -> None: ...  # type: ignore[no-redef]  # noqa: F811 - that is the case


INNER = f"{HERE}:Outer.Inner"
inner_of: dict[str, Any] = vars(Outer.Inner)


def factory(number: int) -> Callable[[], int]:
    def made() -> int:
        return number

    return made


@pytest.mark.parametrize(
    ("func", "identifier", "name"),
    [
        (plain, f"{HERE}:plain", "plain"),
        (marked, f"{HERE}:marked", "marked"),
        (marked_twice, f"{HERE}:marked_twice", "marked_twice"),
        (
            vars(wrapped_above_and_beneath)["__wrapped__"],
            f"{HERE}:wrapped_above_and_beneath",
            "wrapped_above_and_beneath",
        ),
        (counted, f"{HERE}:counted", "counted"),
        (remembered, f"{HERE}:remembered", "remembered"),
        (Outer.Inner.method, f"{INNER}.method", "method"),
        (Outer.Inner.marked_method, f"{INNER}.marked_method", "marked_method"),
        (Outer.Inner.static, f"{INNER}.static", "static"),
        (inner_of["value"].fget, f"{INNER}.value", "value"),
        (inner_of["cached"].func, f"{INNER}.cached", "cached"),
        (inner_of["_Inner__private"], f"{INNER}.__private", "__private"),
        (Outer.Inner, INNER, "Inner"),
        (len, "builtins:len", "len"),
        (math.sqrt, "math:sqrt", "sqrt"),
        (str.upper, "builtins:str.upper", "upper"),
        (dict, "builtins:dict", "dict"),
        (re.compile, "re:compile", "compile"),
        (type(None), "builtins:NoneType", "NoneType"),
    ],
)
def test_a_name_that_leads_back_is_all_there_is(func: Any, identifier: str, name: str):
    identity = Identity(func)
    assert (identity.func_identifier, identity.func_name) == (identifier, name)
    assert not identity.anonymous
    assert identity.code is None
    assert identity.captures() == {}


def test_two_functions_of_one_name_are_told_by_their_code():
    first, second = Identity(first_definition), Identity(twice_defined)
    assert first.func_identifier == second.func_identifier
    assert first.anonymous
    assert not second.anonymous
    assert first.code != Identity(factory(1)).code


def test_builtin_methods_of_two_objects_are_told_apart():
    with memory_spot() as spot:
        methods = [",".join, ";".join, [1].count, [2].count, {1: 2}.get, {1: 3}.get, (5).__add__]
        keys = [spot.key(method, "1") for method in methods]
        assert len({*keys}) == len(keys)
        assert keys[:2] == [spot.key(method, "1") for method in (",".join, ";".join)]


def test_two_wrappings_of_one_function_are_told_apart():
    """Both have the name of `plain`, to which the name leads and not to them."""
    first, second = Identity(polite(plain)), Identity(polite(hidden))
    assert first.anonymous
    assert first.captures() == {"<code>": first.code, "func": plain}
    assert second.captures()["func"] == hidden
    assert Identity(polite(plain)).code == first.code
    assert Identity(functools.wraps(plain)(rude(plain))).code != first.code


def test_a_decorator_above_that_leaves_no_way_back_makes_the_code_count():
    function = python_function(hidden.__closure__[0].cell_contents)
    identity = Identity(function)
    assert identity.func_identifier == f"{HERE}:hidden"
    assert identity.anonymous
    assert identity.code is not None


@pytest.mark.parametrize("name", ["nowhere", "plain", "kept_elsewhere", "taken_away"])
def test_a_name_that_was_set_by_hand_says_nothing(name: str):
    one, two = Identity(renamed(name)), Identity(plain)
    assert one.anonymous
    assert one.captures()["name"] == name
    assert not two.anonymous


def test_a_function_of_a_module_that_no_import_leads_to_is_told_by_its_code():
    """Two files may have been loaded under one name."""
    identities = []
    for body in ("1", "2"):
        namespace: dict[str, Any] = {"__name__": "not_imported", "__file__": "not_imported.py"}
        exec(compile(f"def f(): return {body}", "not_imported.py", "exec"), namespace)
        identities.append(Identity(namespace["f"]))
    one, two = identities
    assert one.func_identifier == two.func_identifier == "not_imported:f"
    assert one.anonymous
    assert one.code != two.code


def test_a_function_of_a_module_that_another_one_replaced_is_told_by_its_code(
    monkeypatch: pytest.MonkeyPatch,
):
    module = ModuleType("sample")
    vars(module).update(__file__="a.py", __spec__=ModuleSpec("sample", None))
    exec(compile("def f(): pass", "a.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "sample", module)
    assert not Identity(module.f).anonymous
    other = ModuleType("sample")
    vars(other).update(__file__="b.py", __spec__=ModuleSpec("sample", None))
    monkeypatch.setitem(sys.modules, "sample", other)
    assert Identity(module.f).anonymous


def test_a_class_of_a_script_that_runpy_ran_is_told_by_its_code(tmp_path: Path):
    for name, value in (("a", 1), ("b", 2)):
        script = f"class C:\n    def f(self): return {value}\n"
        (tmp_path / f"{name}.py").write_text(
            script + "import beautyspot.keys.generator as keys\ncode = keys.canonical(C)\n"
        )
    codes = [runpy.run_path(str(tmp_path / f"{name}.py"))["code"] for name in "ab"]
    assert None not in codes
    assert codes[0] != codes[1]
