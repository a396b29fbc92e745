"""With `version="auto"`: the class of `self`, classes that no statement made, tables in order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType

import beautyspot
import pytest

TREE = """
class Node:
    SIZE = 1.5
    def __init__(self, kids=()): self.kids = list(kids)
    def __len__(self): return 2
    def weight(self): return 3.5
    def unused(self): return 4.5
    def {method}
def helper(node): return node.weight()
"""
MADE = """
import dataclasses, enum, pydantic
Functional = enum.Enum("Functional", "A B")
ByType = type("ByType", (), {"_rate": 1.5, "of": lambda self: 2.5, "table": {"a": 4.5}})
Created = pydantic.create_model("Created", price=(float, pydantic.Field(description="a unit")))
def factory(rate):
    class Local:
        _rate = rate
        def of(self): return self._rate
    return Local
Local = factory(3.5)
def use(): return Functional, ByType, Created, Local
"""
BOUND = """
import functools
class Scale:
    def __init__(self, factor): self.factor = factor
    def of(self, x): return self.factor * x
    __call__ = of
def times(factor, x): return factor * x
method, instance = mark(Scale(1.5).of), mark(Scale(2.5))
partial = mark(functools.partial(times, 3.5))
cached = functools.cache(functools.partial(times, 4.5))
def use(): return method(1), instance(1), partial(1), cached(1)
"""
TEMPLATE = """
class Base:
    RATE = 1.5
    def run(self, x): return self.step(x) * self.RATE
class Sub(Base):
    RATE = 2.5
    def step(self, x): return x + 3.5
    def unused(self): return 4.5
    def ask(self, x): return self.run(x)
"""
TABLES = """
import types
SMALL = {"name": 1, "date": 2}
LARGE = {"first": 1, "second": 2, **{str(number): number for number in range(200)}}
PROXY = types.MappingProxyType({"left": 1, "right": 2, "call": lambda x: x + 1.5})
NAMES = types.SimpleNamespace(call=lambda x: x + 2.5)
def use(): return [*SMALL], [*LARGE], [*PROXY], NAMES.call(1)
"""
SET = """
def scale(x): return x * scale.factor
scale.factor = 1.5
def tool(x): return x
tool.description = "2.5"
TOOLS = [tool]
@mark
def marked(x): return x
marked.helper = lambda x: 3.5
def count(x):
    count.calls += 1
    return x
count.calls = 4.5
def use(): return scale(1), TOOLS, marked.helper(1), count(1)
"""
INSIDE = """
import functools, inspect
def clean(x): return x * 1.5
def shown(x): return x * 2.5
class Job:
    @property
    def rate(self): return self._rate
    @rate.setter
    def rate(self, x): self._rate = clean(x)
    @functools.singledispatchmethod
    def of(self, x): return x
    @of.register
    def _(self, x: int): return shown(x)
    @of.register
    def _(self, x: str): return x
def use(): return Job()
"""
DOCS = """
def tell(*tools): return [tool.__doc__ for tool in tools]
def prompt(): "Say 1.5"
class Tools:
    def find(self): "Finds 2.5"
    def ask(self): return tell(self.find, tools.read)
class Files:
    def read(self): "Reads 3.5"
tools = Files()
def use():
    def write(): "Writes 4.5"
    return prompt.__doc__.format(1), Tools().ask(), tell(write)
"""
DEFAULTS = """
import dataclasses, typing
def split(text): return text.split()
@dataclasses.dataclass
class Settings:
    how: typing.Callable = split
    what: object = object()
    rates: list = dataclasses.field(default_factory=lambda: [1.5])
def use(): return str(Settings), Settings().rates
"""
METHODS = """
import functools
RATE = 1.5
def scaled(rate):
    def wrap(method):
        @functools.wraps(method)
        def scale(self): return method(self) * rate + 2.5
        return scale
    return wrap
class lazy:
    def __init__(self, method): self.method = method
    def __get__(self, job, cls): return self.method(job) + 3.5
def clean(x): return x * 4.5
class Job:
    @scaled(RATE)
    def of(self): return 1
    @lazy
    def rate(self): return clean(1)
def late(self): return 5.5
late.__module__ = "elsewhere"
Job.late = late
def use(): return Job()
"""
MODULES = """
import types
prompts, tones = types.ModuleType("prompts"), types.ModuleType("tones")
prompts.low = types.ModuleType("prompts.low")
prompts.__file__ = prompts.low.__file__ = tones.__file__ = __file__
prompts.low.SAY = 3.5
prompts.say, tones.LOUD = lambda x: x + 1.5, 2.5
TABLE = {"loud": tones}
def use(): return getattr(prompts, "say")(1), TABLE["loud"].LOUD
"""
WRAPPED = """
import wrapt
@wrapt.decorator
def plain(wrapped, instance, args, kwargs): return wrapped(*args, **kwargs)
def step(x): return x + 1.5
@plain
def helper(x): return step(x) + 2.5
def use(): return helper(1)
"""
RUN = "Node.run), Node()"
RECEIVERS = """
import logging
class Log(logging.Logger):
    def run(self, call): return call()
class Column:
    def __eq__(self, other): raise ValueError("is it one?")
    def run(self, call): return call()
def call(): return 1
"""


@pytest.fixture
def key_of(
    spot: beautyspot.Spot, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], str]:
    """The key of a call, given the source of a module and the call's function and arguments."""
    copies = iter(range(100))

    def key(source: str, call: str) -> str:
        path = tmp_path / f"{next(copies)}.py"
        path.write_text(source)
        module = ModuleType("edited")
        module.__file__, module.__spec__ = str(path), ModuleSpec("edited", None)
        monkeypatch.setitem(sys.modules, "edited", module)
        module.mark = partial(spot.mark, version="auto")
        exec(compile(source, path, "exec"), vars(module))
        return spot.key(*eval(f"(mark({call})", vars(module)))

    return key


@pytest.mark.parametrize(
    ("method", "call", "old", "new"),
    [
        ("run(self): return type(self)().weight()", "Node.run), Node()", "3.5", "0.5"),
        ("run(self): return self.__class__.SIZE", "Node.run), Node()", "1.5", "0.5"),
        ("run(self): return len(self)", "Node.run), Node()", "return 2", "return 3"),
        ("run(self): return helper(self)", "Node.run), Node()", "3.5", "0.5"),
        ("run(cls): return cls([]).weight()", "Node.run), Node", "list(kids)", "[*kids, *kids]"),
        ("run(self, other): return other.weight()", "Node.run), Node(), Node()", "3.5", "0.5"),
        ("run(self, a): return a.weight()", "Node.run, ignore='self'), 1, Node()", "3.5", "0.5"),
        ("run(self): return self.kids[0].weight()", "Node.run), Node([Node()])", "3.5", "0.5"),
        ("__own(self): return 5.5\n    def run(self): return self.__own()", RUN, "5.5", "0.5"),
        ("run(self): return self.x\n    def __getattr__(self, _): return 5.5", RUN, "5.5", "0.5"),
        ("run(self): return self.__RATE\n    __RATE = 5.5", RUN, "5.5", "0.5"),
    ],
)
def test_a_method_is_followed_to_its_class(
    key_of: Callable[[str, str], str], method: str, call: str, old: str, new: str
) -> None:
    source = TREE.replace("{method}", method)
    assert key_of(source.replace(old, new), call) != key_of(source, call)


def test_what_a_method_does_not_call_on_self_does_not_count(
    key_of: Callable[[str, str], str],
) -> None:
    source = TREE.replace("{method}", "run(self): self.seen = self.SIZE; return self.weight()")
    assert key_of(source.replace("4.5", "0.5"), "Node.run), Node()") == key_of(
        source, "Node.run), Node()"
    )


def test_what_pythons_own_descriptors_keep_does_not_count(
    key_of: Callable[[str, str], str],
) -> None:
    source = """
import functools
class Job:
    @functools.cached_property
    def rate(self): return 1.5
    @functools.singledispatchmethod
    def of(self, x): return 2.5
    @of.register
    def _(self, x: int): return 3.5
    def run(self, x): return self.rate, self.of(x)
"""
    call = "Job.run), Job(), 1"
    other = f"{source}for name in ('rate', 'of'): vars(Job)[name].lock = 1"  # as in another Python

    assert key_of(other, call) == key_of(source, call)
    for n in (1, 2, 3):
        assert key_of(source.replace(f"{n}.5", "0.5"), call) != key_of(source, call)


def test_where_a_module_is_does_not_count(
    key_of: Callable[[str, str], str],
) -> None:
    source = """
import logging, pathlib
class Job:
    log = logging.getLogger(__name__)
    def run(self, x): return [__name__, pathlib.Path(__file__), self.log, x]
"""
    assert key_of(source, "Job.run), Job(), 1") == key_of(source, "Job.run), Job(), 1")


@pytest.mark.parametrize(("old", "counts"), [("2.5", True), ("3.5", True), ("4.5", False)])
def test_a_method_of_a_base_calls_what_the_class_of_self_overrides(
    key_of: Callable[[str, str], str], old: str, *, counts: bool
) -> None:
    before = key_of(TEMPLATE, "Sub.ask), Sub(), 1")
    after = key_of(TEMPLATE.replace(old, "0.5"), "Sub.ask), Sub(), 1")

    assert (before != after) is counts


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        (MADE, '"A B"', '"A C"'),
        (MADE, '"A B"', '"B A"'),
        (MADE, "1.5", "0.5"),
        (MADE, "2.5", "0.5"),
        (MADE, "3.5", "0.5"),
        (MADE, "4.5", "0.5"),
        (MADE, "a unit", "a piece"),
        (TABLES, '"name": 1, "date": 2', '"date": 2, "name": 1'),
        (TABLES, '"first": 1, "second": 2', '"second": 2, "first": 1'),
        (TABLES, '"left": 1, "right": 2', '"right": 2, "left": 1'),
        *[(BOUND, f"{n}.5", "0.5") for n in range(1, 5)],
        (TABLES, "1.5", "0.5"),
        (TABLES, "2.5", "0.5"),
        *[(SET, f"{n}.5", "0.5") for n in range(1, 4)],
        *[(INSIDE, f"{n}.5", "0.5") for n in range(1, 3)],
        *[(METHODS, f"{n}.5", "0.5") for n in range(1, 6)],
        *[(MODULES, f"{n}.5", "0.5") for n in range(1, 4)],
        (DEFAULTS, "1.5", "0.5"),
        *[(DOCS, f"{n}.5", "0.5") for n in range(1, 5)],
    ],
)
def test_what_a_class_or_table_of_a_module_holds_counts(
    key_of: Callable[[str, str], str], source: str, old: str, new: str
) -> None:
    assert key_of(source, "use),") == key_of(source, "use),")
    assert key_of(source.replace(old, new), "use),") != key_of(source, "use),")


@pytest.mark.parametrize("old", ["1.5", "2.5"])
def test_what_wrapt_wraps_is_followed(key_of: Callable[[str, str], str], old: str) -> None:
    pytest.importorskip("wrapt")
    assert key_of(WRAPPED.replace(old, "0.5"), "use),") != key_of(WRAPPED, "use),")


@pytest.mark.parametrize("call", ["Log.run), Log('a'), call", "Column.run), Column(), call"])
def test_of_an_object_of_any_kind_a_method_that_is_given_code_has_a_key(
    key_of: Callable[[str, str], str], call: str
) -> None:
    other = RECEIVERS.replace("return 1", "return 2")
    assert key_of(RECEIVERS, call) != key_of(other, call)


def test_what_a_function_changes_of_its_attributes_does_not_count(
    key_of: Callable[[str, str], str],
) -> None:
    assert key_of(SET.replace("4.5", "0.5"), "use),") == key_of(SET, "use),")


def step(x):
    return x + 1


def later(x):
    return x + 2


def stepped(x):
    return step(x)


def called(call):
    return call(1)


def test_at_a_prompt_an_edit_of_a_module_is_seen_at_each_call(
    spot: beautyspot.Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    direct, given = spot.mark(version="auto")(stepped), spot.mark(version="auto")(called)
    assert (direct(1), given(step), given(stepped)) == (2, 2, 2)

    monkeypatch.setattr(step, "__code__", later.__code__)  # as IPython's %autoreload does
    assert (direct(1), given(step), given(stepped)) == (3, 3, 3)
