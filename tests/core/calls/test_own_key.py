"""Calls that change what their key is made of: not stored, and told what to write."""

from __future__ import annotations

import asyncio
import functools
import importlib
import linecache
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State, followers, until
from kinds import given

from tests.made import findable

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.ran, STATE.gate = [], Gate()
    STATE.gate.open.set()


def changed(path: str, function: str) -> str:
    return (
        f"app: `{path}` changed while `{function}` ran (perhaps by another thread): not stored; "
        "it will run and cost again"
    )


def of_an_attribute(path: str, function: str) -> str:
    return (
        f'{changed(path, function)}. If no result depends on it: `ignore=("{path}",)`; else pass '
        "it as an argument and return the new one."
    )


def of_a_container(path: str, function: str) -> str:
    return (
        f"{changed(path, function)}: work on a copy (`{path} = copy.deepcopy({path})`), or return "
        f"what is new instead, or say with `key=` what counts of `{path}`"
    )


class Chat:
    """A chat with a history, and of each kind a method that adds to it."""

    _client: object = None

    def __init__(self) -> None:
        self.history: list[str] = []
        self.calls = 0
        self.__token = 0

    def ask(self, question: str) -> str:
        STATE.ran.append(question)
        self.history.append(question)
        return " ".join(self.history)

    async def later(self, question: str) -> str:
        await asyncio.sleep(0)
        return self.ask(question)

    def words(self, question: str) -> Iterator[str]:
        yield question
        yield self.ask(question)

    async def words_later(self, question: str) -> AsyncIterator[str]:
        yield question
        yield self.ask(question)

    def all(self, questions: list[str]) -> list[str]:
        return [self.ask(question) for question in questions]

    def count(self, question: str) -> str:
        self.calls += 1
        return self.ask(question)

    def connect(self, question: str) -> str:
        STATE.ran.append(question)
        self._client = self._client or iter(())
        return question

    def renew(self, question: str) -> str:
        STATE.ran.append(question)
        self.__token += 1
        return question

    def fail(self, question: str) -> str:
        self.ask(question)
        raise LookupError(" ".join(self.history))


@dataclass(slots=True)
class Slotted:
    history: list[str] = field(default_factory=list)

    def ask(self, question: str) -> str:
        return Chat.ask(self, question)  # type: ignore[arg-type]


def ask(chat: Chat, question: str) -> str:
    return chat.ask(question)


@pytest.mark.parametrize(
    ("function", "make", "paths"),
    [
        (Chat.ask, Chat, ("self.history",)),
        (Chat.later, Chat, ("self.history",)),
        (Chat.words, Chat, ("self.history",)),
        (Chat.words_later, Chat, ("self.history",)),
        (Chat.count, Chat, ("self.calls", "self.history")),
        (Chat.connect, Chat, ("self._client",)),
        (Chat.renew, Chat, ("self._Chat__token",)),
        (Slotted.ask, Slotted, ("self.history",)),
        (ask, Chat, ("chat.history",)),
    ],
)
def test_a_call_that_changes_its_own_key_is_not_stored(
    make_spot: Callable[..., Spot], caplog: Any, function: Any, make: Any, paths: tuple[str, ...]
) -> None:
    spot = make_spot()
    marked = spot.mark(function)
    told = [of_an_attribute(path, function.__name__) for path in paths]
    for _ in range(2):
        given(marked(make(), "why?"))  # both begin with what another process begins with
    assert STATE.ran == ["why?"] * 2
    assert caplog.messages == told
    stats = spot.stats()
    assert (stats["changed"], stats["entries"], stats["misses"]) == (2, 0, 2)
    reason = spot.explain(marked, make(), "why?").reason
    assert all(f"`{path}` changed while `{function.__name__}` ran" in reason for path in paths)
    caplog.clear()
    mended = make_spot("mended").mark(ignore=paths)(function)
    for _ in range(2):
        given(mended(make(), "why?"))
    assert STATE.ran == ["why?"] * 3, "the line works"
    assert caplog.messages == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": [1]},
        lambda: {"b": 2},
        lambda: ["a"],
        lambda: Stack("a"),
        lambda: pytest.importorskip("pandas").DataFrame({"a": [1]}),
        lambda: pytest.importorskip("numpy").zeros(1, dtype=[("b", int)]),
    ],
)
def test_a_frame_or_table_is_to_be_copied(
    make_spot: Callable[..., Spot], caplog: Any, make: Any
) -> None:
    def change(table: Any) -> int:
        STATE.ran.append(1)
        if isinstance(table, list):
            table[0] = "b"
        elif type(table) is dict and "a" in table:
            table["a"].append(2)
        else:
            table["b"] = 1
        return 1

    marked = make_spot().mark(change)
    assert marked(make()) == marked(make()) == 1
    assert STATE.ran == [1, 1]
    assert caplog.messages == [of_a_container("table", "change")]


def test_a_captured_list_that_grows_is_told(make_spot: Callable[..., Spot], caplog: Any) -> None:
    def make() -> tuple[list[str], Callable[[str], str]]:
        seen: list[str] = []
        number = 0

        def note(question: str) -> str:
            nonlocal number
            seen.append(question)
            number += 1
            return question

        return seen, note

    spot = make_spot()
    for _ in range(2):
        seen, note = make()
        assert spot.mark(note)("a") == "a"
        assert seen == ["a"]
    assert sorted(caplog.messages) == [of_an_attribute(name, "note") for name in ("number", "seen")]
    mended = make_spot("mended")
    assert [len(make_and_call(mended, make)) for _ in range(2)] == [1, 0]


def make_and_call(spot: Spot, make: Any) -> list[str]:
    seen, note = make()
    spot.mark(ignore=("seen", "number"))(note)("b")
    return list(seen)


def plainly(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **more: Any) -> Any:
        return function(*args, **more)

    return wrapper


def by_position(function: Any) -> Any:
    return functools.wraps(function)(lambda *args: function(*args))


def retried(function: Any) -> Any:
    tenacity = pytest.importorskip("tenacity")
    return tenacity.retry(stop=tenacity.stop_after_attempt(2))(function)


def retried_by_stamina(function: Any) -> Any:
    return pytest.importorskip("stamina").retry(on=ValueError)(function)


class Notes:
    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.factor = 2

    def add(self, value: Any) -> None:
        self.seen.append(value)


class Holder:
    def __init__(self, callback: Any) -> None:
        self.callback = callback


class Stack(list[Any]):
    def put(self, value: Any) -> Any:
        self.append(value)
        return value


class Table(dict[Any, Any]):
    def put(self, value: Any) -> Any:
        self[value] = value
        return value


def visit(value: Any, callback: Any) -> Any:
    (callback.callback if isinstance(callback, Holder) else callback)(value)
    return value


def counting(decorator: Any) -> Any:
    calls = 0

    @decorator
    def ask(x: int) -> int:
        nonlocal calls
        calls += 1
        return x

    return ask


def noting(decorator: Any, factor: int = 2) -> Any:
    notes = Notes()
    notes.factor = factor

    @decorator
    def ask(x: int) -> int:
        notes.seen.append(x)
        return x * notes.factor

    return ask


def helped() -> Any:
    def helper() -> None:
        helper.calls += 1  # type: ignore[attr-defined]

    helper.calls = 0  # type: ignore[attr-defined]

    def ask(x: int) -> int:
        helper()
        return x

    return ask


def callback_with_a_list() -> Any:
    seen: list[Any] = []
    return lambda value: seen.append(value)


def callback_with_notes() -> Any:
    notes = Notes()
    return lambda value: notes.add(value)


def callback_with_a_counter() -> Any:
    def count(value: Any) -> None:
        count.calls += 1  # type: ignore[attr-defined]

    count.calls = 0  # type: ignore[attr-defined]
    return count


def follows(spot: Spot, function: Any, args: Any, **options: Any) -> int:
    """How many results a call of the function stores."""
    spot.mark(**options)(function)(*args)
    return int(spot.stats()["entries"])


@pytest.mark.parametrize("version", [None, "auto"])
@pytest.mark.parametrize(
    ("make", "args", "path", "line"),
    [
        (lambda: counting(plainly), lambda: (1,), "calls", "calls"),
        (lambda: counting(lambda f: plainly(plainly(f))), lambda: (1,), "calls", "calls"),
        (lambda: counting(retried), lambda: (1,), "calls", "calls"),
        (lambda: counting(retried_by_stamina), lambda: (1,), "calls", "calls"),
        (lambda: noting(lambda f: f), lambda: (1,), "notes.seen", "notes.seen"),
        (lambda: noting(plainly), lambda: (1,), "notes.seen", "notes.seen"),
        (helped, lambda: (1,), "helper.calls", "helper.calls"),
        (lambda: visit, lambda: (1, callback_with_a_list()), "seen", "callback.seen"),
        (lambda: visit, lambda: (1, callback_with_notes()), "notes.seen", "callback.notes.seen"),
        (lambda: visit, lambda: (1, callback_with_a_counter()), "callback.calls", "callback.calls"),
        (
            lambda: visit,
            lambda: (1, Holder(callback_with_a_list())),
            "seen",
            "callback.callback.seen",
        ),
    ],
)
def test_the_line_that_is_told_leaves_out_what_has_changed_alone(
    make_spot: Callable[..., Spot],
    caplog: Any,
    make: Any,
    args: Any,
    path: str,
    line: str,
    version: Any,
) -> None:
    function = make()
    assert follows(make_spot(strict=True), function, args(), version=version) == 0
    told = f'If no result depends on it: `ignore=("{line}",)`; else pass it as an argument'
    expected = f"{changed(path, function.__name__)}. {told} and return the new one."
    assert caplog.messages == [expected]
    caplog.clear()
    options = {"ignore": (line,), "version": version}
    assert follows(make_spot("mended"), make(), args(), **options) == 1
    assert caplog.messages == []


@pytest.mark.parametrize("decorator", [lambda f: f, plainly])
def test_the_rest_of_a_captured_object_counts(
    make_spot: Callable[..., Spot], decorator: Any
) -> None:
    mark = make_spot().mark(ignore=("notes.seen",))
    assert [mark(noting(decorator, factor))(1) for factor in (2, 3, 2)] == [2, 3, 2]
    assert mark(noting(decorator, 2)).__name__ == "ask"


@pytest.mark.parametrize("version", [None, "auto"])
@pytest.mark.parametrize("kind", ["captured", "attribute", "keyword", "within a decorator"])
def test_an_ignored_parameter_is_no_variable_of_a_helper(
    make_spot: Callable[..., Spot], kind: str, version: Any
) -> None:
    def make(x: int) -> Any:
        def helper(y: int) -> int:
            return y * x

        def with_attribute(y: int) -> int:
            return y * int(with_attribute.x)  # type: ignore[attr-defined]

        with_attribute.x = x  # type: ignore[attr-defined]

        def by_parameter(y: int, x: int = 0) -> int:
            return (with_attribute if kind == "attribute" else helper)(y)

        def by_keyword(y: int, **more: Any) -> int:
            return helper(y)

        functions = {"keyword": by_keyword, "within a decorator": plainly(by_parameter)}
        return functions.get(kind, by_parameter)

    mark = make_spot().mark(ignore=("x",), version=version)
    assert [mark(make(x))(1, x=7) for x in (2, 3, 2)] == [2, 3, 2]
    if kind != "keyword":
        with pytest.raises(ConfigError, match="has no parameter 'x'"):
            mark(by_position(make(2)))


def test_an_item_that_is_changed_costs_the_others_nothing(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    def sizes(items: list[list[int]]) -> list[int]:
        STATE.ran.append(len(items))
        items[-2].append(0)
        return [len(item) for item in items]

    spot = make_spot()
    marked = spot.mark(each="items")(sizes)
    assert marked([[1], [2], [3, 3]]) == [1, 2, 2]
    assert marked([[1], [2], [3, 3], [4], [5, 5]]) == [1, 1, 2, 2, 2]
    assert STATE.ran == [3, 3]
    assert caplog.messages == [of_a_container("items", "sizes")]
    assert spot.stats()["changed"] == 2


@pytest.mark.parametrize("options", [{}, {"save": "background"}])
def test_other_ways_of_a_call(
    make_spot: Callable[..., Spot], caplog: Any, options: dict[str, Any]
) -> None:
    spot = make_spot(**options)
    marked = spot.mark(Chat.ask)
    assert list(spot.map(marked, [Chat(), Chat()], ["a", "a"])) == ["a", "a"]
    assert spot.refresh(marked, Chat(), "a") == "a"
    failing = spot.mark(cache_errors=(LookupError,))(Chat.fail)
    for _ in range(2):
        with pytest.raises(LookupError, match=r"^a$"):
            failing(Chat(), "a")
    spot.flush()
    assert STATE.ran == ["a"] * 5
    stats = spot.stats()
    assert (stats["changed"], stats["entries"]) == (5, 0)
    assert caplog.messages == [
        of_an_attribute("self.history", "ask"),
        of_an_attribute("self.history", "fail"),
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_waits_runs_by_himself(make_spot: Callable[..., Spot], kind: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    @findable
    class Counter:
        calls = 0

        def __init__(self) -> None:
            self.count = 0

        def work(self) -> int:
            STATE.gate.pass_through()
            self.count += 1
            return self.count

        async def later(self) -> int:
            return await asyncio.to_thread(self.work)

    STATE.gate.open.clear()
    spot = make_spot()
    marked = spot.mark(Counter.work if kind == "sync" else Counter.later)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(lambda: given(marked(Counter()))) for _ in range(3)]
        until(lambda: followers(spot) == 2, unless=futures)
        STATE.gate.open.set()
        assert [future.result(DEADLINE) for future in futures] == [1, 1, 1]
    assert STATE.gate.count == 3
    assert spot.stats()["entries"] == 0


def test_what_a_hostile_class_changes_is_not_stored(make_spot: Callable[..., Spot]) -> None:
    class Gone(type):
        def __getattr__(cls, name: str) -> Any:
            raise OSError("gone")

    @findable
    class Table(metaclass=Gone):
        def __init__(self) -> None:
            self.rows: list[int] = []

        def __beautyspot_key__(self) -> object:
            return self.rows

    def fill(table: Table) -> int:
        table.rows.append(1)
        return len(table.rows)

    spot = make_spot()
    assert [spot.mark(fill)(Table()) for _ in range(2)] == [1, 1]
    assert (spot.stats()["entries"], spot.stats()["changed"]) == (0, 2)


def test_a_cached_property_is_not_computed_again(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    @findable
    class Table:
        def __init__(self) -> None:
            self.rows = [1, 2]

        @functools.cached_property
        def total(self) -> int:
            STATE.ran.append("computed")
            return sum(self.rows)

        def share(self, x: int) -> float:
            return x / self.total

    marked = make_spot().mark(Table.share)
    table = Table()
    assert marked(table, 3) == 1
    assert STATE.ran == ["computed"]
    assert marked(Table(), 3) == 1
    assert STATE.ran == ["computed"]
    assert caplog.messages == []


LIBRARY = """
class Expr:
    '''As an expression of sympy, which keeps what it has computed.'''
    __slots__ = ("_args", "_size")
    def __init__(self, *args):
        self._args, self._size = args, None
    def __hash__(self):
        self._size = self._size or len(self._args)
        return hash(self._args)
    def copy(self):
        return Expr(*self._args)

class Mapped:
    '''As a declarative base of SQLAlchemy.'''
    def __init__(self, name):
        self._state = None
        self.name = name
    def load(self):
        self._state = "loaded"

"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that looks installed."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "algebra.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    linecache.clearcache()
    yield importlib.import_module("algebra")
    del sys.modules["algebra"]


def test_of_the_insides_of_another_package_s_object_no_part_is_left_out(
    make_spot: Callable[..., Spot], caplog: Any, library: Any
) -> None:
    @findable
    class User(library.Mapped):  # type: ignore[misc]
        def greet(self) -> str:
            self.load()
            return f"hello {self.name}"

    @findable
    class Named(library.Mapped):  # type: ignore[misc]
        name: str

        def rename(self, name: str) -> str:
            self.name = name
            return name

    def expand(expr: Any) -> int:
        return hash(expr)

    def greet(user: Any) -> str:
        return str(user.greet())

    spot = make_spot()
    spot.mark(expand)(library.Expr(1))
    spot.mark(User.greet)(User("a"))
    spot.mark(greet)(User("a"))
    spot.mark(Named.rename)(Named("a"), "b")
    assert caplog.messages[:3] == [
        f"{changed(name, function)}: work on a copy (`{name} = copy.deepcopy({name})`), "
        "or pass its fields"
        for name, function in (("expr", "expand"), ("self", "greet"), ("user", "greet"))
    ]
    assert caplog.messages[3:] == [of_an_attribute("self.name", "rename")]


def test_of_what_has_no_form_the_part_is_named_that_ignore_can_leave_out(
    make_spot: Callable[..., Spot], caplog: Any, library: Any
) -> None:
    @findable
    class User(library.Mapped):  # type: ignore[misc]
        pass

    stream = iter(())
    spot = make_spot()
    spot.mark(lambda x: next(stream, x))(1)
    spot.mark(lambda expr: 1, name="expr")(library.Expr(stream))
    spot.mark(lambda user: 2, name="user")(User(stream))
    assert [message.rpartition("uncached; ")[2] for message in caplog.messages] == [
        f'if no result depends on {name}, write mark(ignore=("{name}",)); else {other}'
        for name, other in (
            ("stream", "pass what counts of stream as an argument"),
            ("expr", 'say with mark(key={"expr": function}) what counts'),
            ("user", 'say with mark(key={"user": function}) what counts'),
        )
    ]
