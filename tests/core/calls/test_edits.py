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
from beautyspot.logs import forget_warnings
from beautyspot.memory import MemoryMetadataStore
from kinds import given
from rows import put_rows
from scripted import scripted

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
    [record] = store.all_rows()
    return record.code and record.code.partition(":")[0]  # less the digest of the file


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""Add."""', '"""Sum."""', True),
        ('"""Add."""', "# a comment", True),
        ("return x + y", "return (x +\n        y)", True),
        ("def f(x, y=2)", "def f(x: int, y: int = 2) -> int", False),
        ("def f(x, y=2)", "def f(x, y=2) -> int", True),
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


@pytest.mark.parametrize("blocking", [True, False])
def test_the_first_hits_read_rows_far_away_once(load: Load, blocking: bool) -> None:
    store = scripted(MemoryMetadataStore, count=["find", "get"], attributes={"blocking": blocking})
    with spot_of(store) as spot:
        marked = spot.mark(load(SOURCE).f)
        for x in range(3):
            marked(x)
    store.script.count.clear()
    with spot_of(store) as spot:
        marked = spot.mark(load(SOURCE).f)
        assert [marked(x) for x in range(3)] == [2, 3, 4]
        asked = 3 if blocking else 6
        assert store.script.count.total() == asked
        assert (marked(0), store.script.count.total()) == (2, asked + 1)


# ------------------------------------------------------------------------- what people are told

EDITED = SOURCE.replace("return x + y", "return x - y")
KINDS = {
    "function": SOURCE,
    "coroutine": "async " + SOURCE.strip(),
    "generator": SOURCE.replace("return x + y", "yield x + y"),
    "async generator": "async " + SOURCE.strip().replace("return x + y", "yield x + y"),
}


def run(store: MemoryMetadataStore, function: Any, *xs: Any, **options: Any) -> None:
    """What a process does: call the function, with each of these arguments."""
    mine = MemoryMetadataStore()  # so that no process knows the functions of another
    put_rows(mine, *store.all_rows(data=True))
    with spot_of(mine) as spot:
        marked = spot.mark(**options)(function)
        for x in xs:
            given(marked(x))
    put_rows(store, *mine.all_rows(data=True))


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, bool]]:
    """What was logged of changed code: the level, and whether the message says what to write."""
    found = [
        (record.levelname, 'raise version=, or use version="auto"' in record.getMessage())
        for record in caplog.records
        if "other code than app:f has now" in record.getMessage()
    ]
    caplog.clear()
    return found


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", logger="beautyspot")
    return caplog


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"ttl": "1h"}], ids=["plain", "ttl"])
def test_the_first_hit_of_older_code_is_told_once(
    load: Load, log: pytest.LogCaptureFixture, kind: str, options: dict[str, Any]
) -> None:
    store, source = MemoryMetadataStore(), KINDS[kind]
    run(store, load(source).f, 1, 2, 2, 0.0, **options)
    assert told(log) == []
    run(store, load(source.replace("Add", "Sum")).f, 1, 2, 0.0, **options)
    assert told(log) == []
    app = load(source.replace("x + y", "x - y"))
    run(store, app.f, 3, 3, 1, 2, 0.0, **options)
    assert told(log) == [("WARNING", True)]
    run(store, app.f, 3, 3, **options)
    assert told(log) == []
    run(store, app.f, 3, 2, **options)
    assert told(log) == [("WARNING", True)]


def test_with_a_version_or_added_its_author_has_decided(
    load: Load, log: pytest.LogCaptureFixture
) -> None:
    store, grown = MemoryMetadataStore(), SOURCE.replace("y=2", "y=2, z=0")
    run(store, load(SOURCE).f, 1, 2, version=1)
    run(store, load(EDITED).f, 1, 2, 1, version=1)
    run(store, load(SOURCE).f, 1)
    run(store, load(grown.replace("x + y", "x + y + z")).f, 1, added={"z": 0})
    run(store, load(SOURCE).f, 1, version="auto")
    run(store, load(EDITED).f, 1, 1, version="auto")
    assert told(log) == []


# ---------------------------------------------------------------- code that comes as an argument

APP = '''
import functools, json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

RAN = []
TABLE = {"greeting": "Hello"}
PROMPTS = ["one", {"deep": TABLE}]

def helper(x): return x + 1

def step(x):
    """A tool."""
    return helper(x)

class Strategy:
    """By default."""
    def __init__(self, func=None): self.func = func
    def run(self, x): return x * 2

class Other(Strategy):
    def run(self, x): return super().run(x)

@dataclass
class Item:
    name: str = "item"

Word = Literal["yes", 1]

@dataclass
class Answer:
    items: "list[Item]"
    word: "Word"

class Job:
    def run(self, what): RAN.append(1); return self.hook()
    def hook(self): return 1
    def unused(self): return 1

class Special(Job):
    def hook(self): return 2

def apply(what): RAN.append(1); return 1
def reads(what):
    RAN.append(1)
    return len([TABLE["greeting"], PROMPTS, LIMIT, HELD, WORDS, NUMBERS])

NUMBERS = list(range(200))
WORDS = dict.fromkeys(map(str, range(300)), "w")
WORDS = {**WORDS, "0": "first"}

class Text(str): pass

class Proxy:
    @property
    def __class__(self): raise RuntimeError("there is no request")

HELD = [PurePath("a"), Text("a"), json.JSONDecoder(), Proxy()]

LIMIT = 1.5
ARGUMENTS = {
    "function": step, "list": [step], "dict": {"a": [(step,)]}, "class": Strategy,
    "partial": functools.partial(step, 1), "lambda": lambda x: step(x), "instance": Strategy(),
    "method": Strategy().run,
    "attribute": Strategy(step), "subclass": Other(), "schema": Answer, "builtin": len,
    "key": {step: 1}, "cached": functools.cache(step),
}
'''
BY_STEP = ["function", "list", "dict", "partial", "lambda", "attribute", "key", "cached"]
BY_RUN = ["class", "instance", "method", "attribute", "subclass"]


def runs(load: Load, call: Callable[[Any], tuple[Any, ...]], old: str, new: str) -> int:
    """How often a call runs, before and after an edit; each is made twice."""
    store, count = MemoryMetadataStore(), 0
    assert old in APP
    for source in (APP, APP.replace(old, new)):
        app = load(source)
        with spot_of(store) as spot:
            function, *args = call(app)
            marked = spot.mark(version="auto")(function)
            for _ in range(2):
                marked(*args)
        count += len(app.RAN)
    return count


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("return x + 1", "return x + 2", BY_STEP),  # of a helper
        ("return helper(x)", "return -helper(x)", BY_STEP),
        ('"""A tool."""', '"""A better tool."""', [name for name in BY_STEP if name != "lambda"]),
        ("return x * 2", "return x * 3", BY_RUN),
        ('"""By default."""', '"""Else."""', ["class"]),
        ('str = "item"', 'str = "other"', ["schema"]),
        ('["yes", 1]', '["yes", 2]', ["schema"]),
        ('["yes", 1]', '["no", 1]', ["schema"]),
    ],
)
def test_code_that_comes_as_an_argument_counts(
    load: Load, old: str, new: str, names: list[str]
) -> None:
    found = {
        name
        for name in load(APP).ARGUMENTS
        if runs(load, lambda app: (app.apply, app.ARGUMENTS[name]), old, new) == 2  # noqa: B023 - called at once
    }
    assert found >= set(names)
    assert "builtin" not in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('PurePath("a")', 'PurePath("b")', 2),
        ("range(200)", "range(201)", 2),
        ("range(200)", "range(150)", 2),
        ('"first"', '"second"', 2),
        ('Text("a")', 'Text("b")', 2),
        ("JSONDecoder()", "JSONDecoder(strict=False)", 1),  # of others, as a client is
        ('"Hello"', '"Good morning"', 2),
        ('["one"', '["two"', 2),
        ("LIMIT = 1.5", "LIMIT = 2.5", 2),
        ("LIMIT = 1.5", "import fractions; LIMIT = fractions.Fraction(1, 2)", 2),
        ("LIMIT = 1.5", "LIMIT = 1.5  # a limit", 1),
        ("LIMIT = 1.5", "def change(): TABLE.clear()\nLIMIT = 1.5", 2),
    ],
)
def test_tables_that_the_function_reads_count(
    load: Load, old: str, new: str, expected: int
) -> None:
    assert runs(load, lambda app: (app.reads, 1), old, new) == expected


NAMED = """
RAN = []

class Model:
    def __init__(self, scale=1):
        self.scale, self.calls, self.kept = scale, 0, []
    def of(self, x):
        return x * self.scale + 1
    def update(self, x):
        self.kept.append(x)

MODEL = Model()
def renew():
    global MODEL
    MODEL = Model()
def rebound(x):
    RAN.append(x)
    return MODEL.of(x)

STATS = Model(2)
def counted(x):
    RAN.append(x)
    STATS.calls += 1
    return STATS.of(x)

KEPT = Model(3)
def updated(x):
    RAN.append(x)
    KEPT.update(x)
    return KEPT.of(x)

class Base:
    registry = {}
    def __init_subclass__(cls):
        Base.registry[cls.__name__] = cls
    def base(self, x):
        return x + 10
class Special(Base):
    def run(self, x):
        return x + 20
def registered(x):
    RAN.append(x)
    return Base.registry["Special"]().run(x) + Base().base(x)

HANDLERS = {}
def register(name):
    def decorate(function):
        HANDLERS[name] = function
        return function
    return decorate
@register("one")
def handler(x):
    return x + 30
def handled(x):
    RAN.append(x)
    return HANDLERS["one"](x)

def helper(x):
    return x + 40
helper.calls = 0
def attributed(x):
    RAN.append(x)
    helper.calls += 1
    return helper(x)

class Meta(type):
    pass
class Plug(metaclass=Meta):
    rate = 50
CURRENT = [Plug][0]
def switch():
    global CURRENT
    CURRENT = Plug
def switched(x):
    RAN.append(x)
    return x + CURRENT.rate
"""


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rebound", "* self.scale + 1", "* self.scale + 2"),
        ("counted", "* self.scale + 1", "* self.scale + 2"),
        ("counted", "Model(2)", "Model(4)"),
        ("updated", "* self.scale + 1", "* self.scale + 2"),
        ("registered", "x + 10", "x + 11"),
        ("registered", "x + 20", "x + 21"),
        ("handled", "x + 30", "x + 31"),
        ("attributed", "x + 40", "x + 41"),
        ("switched", "rate = 50", "rate = 51"),
    ],
)
def test_code_is_followed_whatever_happens_to_its_name(
    load: Load, name: str, old: str, new: str
) -> None:
    store = MemoryMetadataStore()
    for source, runs in ((NAMED, [1, 2]), (NAMED, []), (NAMED.replace(old, new), [1, 2])):
        app = load(source)
        function = getattr(app, name)
        with spot_of(store) as spot:
            marked = spot.mark(version="auto")(function)
            got = [marked(1), marked(2), marked(1)]
        assert runs == app.RAN
        assert got == [function(1), function(2), function(1)]


def test_content_that_functions_change_is_left_out_and_that_is_said(
    load: Load, log: pytest.LogCaptureFixture
) -> None:
    forget_warnings()
    app = load(NAMED)
    with spot_of(MemoryMetadataStore()) as spot:
        for name in (
            *("rebound", "counted", "updated", "registered", "handled", "attributed", "switched"),
        ):
            spot.mark(version="auto")(getattr(app, name))(1)
    said = {
        message.partition(" does not count ")[2].partition(", which")[0] for message in log.messages
    }
    assert said == {
        "app.MODEL, app.RAN",
        "app.RAN, app.STATS.calls",
        "app.KEPT, app.RAN",
        "app.Base.registry, app.RAN",
        "app.HANDLERS, app.RAN",
        "app.RAN, app.helper.calls",
        "app.RAN",
    }


UNSEEN = """
class Meter:
    def __init__(self):
        self.count = 0
    def tick(self):
        self.count += 1

METER = Meter()
RAN = []

def f(x):
    RAN.append(x)
    METER.tick()
    return x
"""


def test_a_call_that_changes_what_the_version_follows_is_not_stored(
    load: Load, log: pytest.LogCaptureFixture
) -> None:
    store = MemoryMetadataStore()
    for _ in range(2):
        app = load(UNSEEN)
        with spot_of(store) as spot:
            marked = spot.mark(version="auto")(app.f)
            assert [marked(1), marked(1)] == [1, 1]
            assert app.METER.count == 2
            assert spot.stats()["entries"] == 0
    [told] = {message for message in log.messages if "changed while" in message}
    assert told == (
        "app: `METER` changed while `f` ran, or before that (perhaps by other code): not stored; "
        "the next call has another version. If it is a global of the function's module, and no "
        'result depends on it: `ignore=("METER",)`; else pass it as an argument, or write the '
        "version yourself"
    )


def test_a_global_that_code_in_an_argument_names_counts_like_the_function_s_own(
    load: Load, log: pytest.LogCaptureFixture
) -> None:
    app = load("CUT = 1\ndef by(x): return x * CUT\ndef f(by, x): return by(x)\n")
    with spot_of(MemoryMetadataStore()) as spot:
        marked = spot.mark(version="auto")(app.f)
        assert [marked(app.by, 1), marked(app.by, 1)] == [1, 1]
        app.CUT = 2
        assert marked(app.by, 5) == 10  # of the version before
        assert spot.stats()["entries"] == 1
        assert [marked(app.by, 1), marked(app.by, 5)] == [2, 10]
        assert spot.stats()["entries"] == 3
    assert any("`app:by` changed while" in message for message in log.messages)


def test_a_global_that_ignore_names_does_not_count(
    load: Load, log: pytest.LogCaptureFixture
) -> None:
    store = MemoryMetadataStore()
    for source, runs in (
        (UNSEEN, [1]),
        (UNSEEN.replace("self.count = 0", "self.count  =  0"), []),
        (UNSEEN.replace("METER = Meter()", "METER = Meter(); METER.count = 5"), []),
        (UNSEEN.replace("self.count += 1", "self.count += 2"), [1]),
    ):
        app = load(source)
        with spot_of(store) as spot:
            marked = spot.mark(version="auto", ignore=("METER",))(app.f)
            assert [marked(1), marked(1)] == [1, 1]
        assert runs == app.RAN
    assert not [message for message in log.messages if "METER" in message]


def test_what_ignore_names_is_the_function_s_own(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the global of another module nor what another function captured, of that name."""
    source = """
import others
def make(table):
    return lambda: table
counted = make([5])
TABLE = [1]
def wrap(table):
    def f(x):
        RAN.append(x)
        return [TABLE, table, x, counted(), others.read()]
    return f
f = wrap([2])
RAN = []
"""
    others = "TABLE = [3]\ndef read(): return TABLE\n"
    store = MemoryMetadataStore()
    for old, new, runs in (
        ("[1]", "[1]", [1]),
        ("[1]", "[10]", []),
        ("[2]", "[20]", []),
        ("[3]", "[30]", [1]),
        ("[5]", "[50]", [1]),
    ):
        (tmp_path / "others.py").write_text(others.replace(old, new))
        monkeypatch.delitem(sys.modules, "others", raising=False)
        app = load(source.replace(old, new))
        with spot_of(store) as spot:
            spot.mark(version="auto", ignore=("TABLE", "table"), name="f")(app.f)(1)
        assert runs == app.RAN, new
    monkeypatch.delitem(sys.modules, "others")


def test_a_global_that_ignore_names_is_no_keyword_of_a_call(load: Load) -> None:
    app = load("LIMIT = 1\ndef f(x, **more): return [x, LIMIT, more]\n")
    with spot_of(MemoryMetadataStore()) as spot:
        marked = spot.mark(version="auto", ignore=("LIMIT",))(app.f)
        assert [marked(1, LIMIT=n) for n in (3, 4)] == [[1, 1, {"LIMIT": n}] for n in (3, 4)]


SETTABLE = """
CUT = 2

def f(x):
    return x * CUT
"""


def first(value: Any) -> Any:
    """The value, or the only item of a stream."""
    found = given(value)
    return found[0] if isinstance(found, list) else found


SETTABLE_KINDS = {
    "function": SETTABLE,
    "coroutine": SETTABLE.replace("def f", "async def f"),
    "generator": SETTABLE.replace("return", "yield"),
    "async generator": SETTABLE.replace("return", "yield").replace("def f", "async def f"),
}


@pytest.mark.parametrize("kind", SETTABLE_KINDS)
def test_a_global_that_other_code_sets_spoils_no_result(
    load: Load, log: pytest.LogCaptureFixture, kind: str
) -> None:
    source = SETTABLE_KINDS[kind]
    store, app = MemoryMetadataStore(), load(source)
    with bs.Spot("app", metadata=store, storage="memory", config=False) as spot:
        marked = spot.mark(version="auto")(app.f)
        assert (first(marked(1)), first(marked(7))) == (2, 14)
        app.CUT = 5
        assert first(marked(2)) == 10  # not stored: its key was made before
        assert "`CUT` changed while `f` ran, or before that" in log.text
        assert [first(marked(1)) for _ in range(2)] == [5, 5]
        app.CUT = 2
        assert first(marked(9)) == 18  # as above
        assert [first(marked(x)) for x in (3, 7, 1)] == [6, 14, 2]
        stats = spot.stats()
        assert (stats["hits"], stats["changed"]) == (3, 2)
    with bs.Spot("app", metadata=store, storage="memory", config=False) as spot:
        marked = spot.mark(version="auto")(load(source).f)
        assert [first(marked(x)) for x in (1, 2, 3)] == [2, 4, 6]
        assert spot.stats()["hits"] == 2


class Between(MemoryMetadataStore):
    """Has something done while a call that has its key looks it up."""

    do: list[Callable[[], object]]

    def find(self, key: str) -> Any:
        while self.do:
            self.do.pop()()
        return super().find(key)


@pytest.mark.parametrize("argument", [1, [1]])
def test_a_change_that_another_call_noticed_first_spoils_no_result(
    load: Load, argument: Any
) -> None:
    store, app = Between(), load(SETTABLE)
    store.do = []
    with bs.Spot("app", metadata=store, storage="memory", config=False) as spot:
        marked = spot.mark(version="auto")(app.f)
        marked(0)
        app.CUT = 3
        store.do.append(lambda: [marked(2), marked(3)])  # the second one has the new version
        assert marked(argument) == argument * 3
        app.CUT = 2
        marked(4)
        assert marked(argument) == argument * 2
