"""Calls that change what their key is made of: not stored, and told what to write."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib
import inspect
import linecache
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import ConfigError, UnstableKeyError
from gates import DEADLINE, Gate, followers, until
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble
    from beautyspot.spot import Spot


class State:
    """What the functions share with their test; global, since what is captured counts as input."""

    ran: list[Any]
    gate: Gate


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


def of_a_container(path: str, function: str, copy: str) -> str:
    return f"{changed(path, function)}: work on a copy: `{path} = {copy}`"


def given(value: Any) -> Any:
    """What a call of any kind of function comes to."""
    if inspect.isasyncgen(value):
        return asyncio.run(_collected(value))
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    return list(value) if inspect.isgenerator(value) else value


async def _collected(stream: Any) -> list[Any]:
    return [item async for item in stream]


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

    def forget(self, question: str) -> str:
        STATE.ran.append(question)
        del self.calls
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


def test_an_attribute_that_is_gone_has_changed(make_spot: Callable[..., Spot], caplog: Any) -> None:
    make_spot().mark(Chat.forget)(Chat(), "a")
    assert caplog.messages == [of_an_attribute("self.calls", "forget")]


def test_a_chat_forgets_nothing(make_spot: Callable[..., Spot]) -> None:
    for name in ("first", "second"):
        chat, marked = Chat(), make_spot().mark(Chat.ask)
        assert [marked(chat, text) for text in ("a", "b")] == ["a", "a b"], name


def test_a_model_that_is_trained_goes_on(make_spot: Callable[..., Spot]) -> None:
    class Model:
        def __init__(self) -> None:
            self.weight = 0.0

    def train(model: Model, target: float) -> float:
        model.weight += (target - model.weight) / 2
        return (target - model.weight) ** 2

    for _ in range(2):
        model, step = Model(), make_spot().mark(train)
        assert [step(model, 1.0) for _ in range(3)] == [0.25, 0.0625, 0.015625]


def test_a_list_of_an_argument_is_to_be_copied(make_spot: Callable[..., Spot], caplog: Any) -> None:
    def append(history: Any, text: str) -> int:
        STATE.ran.append(text)
        history.append(text)
        return len(history)

    marked = make_spot().mark(append)
    for history in ([], [["a"]], deque(), bytearray()):
        for _ in range(2):
            text: Any = 1 if isinstance(history, bytearray) else "x"
            assert marked(history, text) == len(history)
    assert len(STATE.ran) == 8
    assert caplog.messages == [of_a_container("history", "append", "history.copy()")]


@pytest.mark.parametrize(
    ("make", "copy"),
    [
        (lambda: {"a": [1]}, "copy.deepcopy(table)"),
        (lambda: {"a": 1}, "table.copy()"),
        (lambda: ["a"], "table.copy()"),
        (lambda: pytest.importorskip("pandas").DataFrame({"a": [1]}), "table.copy()"),
        (lambda: pytest.importorskip("numpy").zeros(1, dtype=[("b", int)]), "table.copy()"),
    ],
)
def test_a_frame_or_table_is_to_be_copied(
    make_spot: Callable[..., Spot], caplog: Any, make: Any, copy: str
) -> None:
    def change(table: Any) -> int:
        STATE.ran.append(1)
        if isinstance(table, list):
            table[0] = "b"
        elif type(table) is dict and copy.startswith("copy"):
            table["a"].append(2)
        else:
            table["b"] = 1
        return 1

    copy = copy  # noqa: PLW0127 - captured, and flat
    marked = make_spot().mark(change)
    assert marked(make()) == marked(make()) == 1
    assert STATE.ran == [1, 1]
    assert caplog.messages == [of_a_container("table", "change", copy)]


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


def test_a_variable_beneath_a_decorator_is_told_by_its_name(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    def plain(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    seen: list[str] = []

    @plain
    def note(question: str) -> str:
        seen.append(question)
        return question

    make_spot().mark(note)("a")
    assert caplog.messages == [of_an_attribute("seen", "note")]


def test_a_bound_method_and_a_default(make_spot: Callable[..., Spot], caplog: Any) -> None:
    def collect(x: int, found: list[int] = []) -> list[int]:  # noqa: B006 - as people write it
        found.append(x)
        return list(found)

    spot = make_spot()
    assert spot.mark(Chat().ask)("a") == "a"
    assert spot.cached_run(Chat().ask, "a") == "a"
    assert [spot.mark(collect)(1) for _ in range(2)] == [[1], [1, 1]]
    assert caplog.messages == [
        of_an_attribute("self.history", "ask"),
        of_a_container("found", "collect", "found.copy()"),
    ]
    assert spot.stats()["entries"] == 0


@pytest.mark.parametrize("batch", [None, 2])
def test_items_of_a_list(make_spot: Callable[..., Spot], caplog: Any, batch: int | None) -> None:
    spot = make_spot()
    options: dict[str, Any] = {} if batch is None else {"batch": batch}
    marked = spot.mark(each="questions", **options)(Chat.all)
    for _ in range(2):
        assert marked(Chat(), ["a", "b", "c"]) == ["a", "a b", "a b c"]
    assert STATE.ran == ["a", "b", "c"] * 2
    assert of_an_attribute("self.history", "all") in caplog.messages
    assert spot.stats()["entries"] == 0


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
    assert caplog.messages == [of_a_container("items", "sizes", "items.copy()")]
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


def test_what_is_made_behind_an_expired_result(make_spot: Callable[..., Spot], caplog: Any) -> None:
    clock = Clock()
    spot = make_spot()
    spot._engine.cache.clock = spot._engine.behind.clock = clock
    vars(spot.metadata).update(now=clock)
    marked = spot.mark(ttl=10, stale=100)(Chat.ask)
    spot.set_result("set", marked, Chat(), "a")
    clock.now += 20
    assert marked(Chat(), "a") == "set"
    spot.flush()
    assert STATE.ran == ["a"]
    assert marked(Chat(), "a") == "set", "nothing took its place"
    assert caplog.messages == [of_an_attribute("self.history", "ask")]


def test_what_is_set_was_run_by_nobody(make_spot: Callable[..., Spot], caplog: Any) -> None:
    spot, chat = make_spot(), Chat()
    marked = spot.mark(Chat.ask)
    spot.set_result("set", marked, chat, "a")
    assert marked(chat, "a") == "set"
    assert caplog.messages == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_waits_runs_by_himself(make_spot: Callable[..., Spot], kind: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

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


def test_another_thread_may_be_the_one_that_changes_it(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    def size(items: list[int]) -> int:
        thread = threading.Thread(target=items.append, args=(1,))
        thread.start()
        thread.join()
        return len(items)

    spot = make_spot()
    assert spot.mark(size)([]) == 1
    assert caplog.messages == [of_a_container("items", "size", "items.copy()")]


def test_a_stream_is_compared_when_it_has_ended(make_spot: Callable[..., Spot]) -> None:
    """Also what its consumer changes in between."""

    def words(items: list[str]) -> Iterator[str]:
        STATE.ran.append(1)
        yield "first"
        yield from items

    spot = make_spot()
    for _ in range(2):
        items = ["a"]
        found = []
        for item in spot.mark(words)(items):
            items[:] = ["b"]
            found.append(item)
        assert found == ["first", "b"]
    assert STATE.ran == [1, 1]


def test_what_changes_through_another_key_generation(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    class ByText(bs.KeyGenBase):
        name = "by text"

        def input_id(self, args: Any, kwargs: Any) -> str:
            return repr((args, sorted(kwargs.items())))

    spot = make_spot(keygen=ByText())

    def append(items: list[int], x: int) -> int:
        items.append(x)
        return len(items)

    assert [spot.mark(append)([], 1) for _ in range(2)] == [1, 1]
    assert [spot.mark(len)([]) for _ in range(2)] == [0, 0]
    told = changed("an argument", "append").replace("`an argument`", "an argument")
    assert caplog.messages == [f"{told}: work on a copy"]
    assert spot.stats()["entries"] == 1


def test_what_can_not_be_compared_is_not_stored(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    class Table(dict[str, int]):
        def values(self) -> Any:
            raise OSError("gone")

    def fill(table: Table) -> int:
        table["a"] = 1
        return len(table)

    spot = make_spot(on_error=troubles.append)
    assert [spot.mark(fill)(Table()) for _ in range(2)] == [1, 1]
    assert spot.stats()["entries"] == 0
    assert [trouble.operation for trouble in troubles] == ["compare the key"] * 2


def test_the_row_tells_the_arguments_that_are_compared_as_all_others(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    """A file in one is told by its content there, though it is not read for the comparison."""

    class Table:
        def __init__(self, *parts: Any) -> None:
            self.parts = parts

        @functools.cached_property
        def size(self) -> int:
            return len(self.parts)

    def read(table: Any, x: object) -> int:
        return 1

    (tmp_path / "a.txt").write_text("a")
    file = bs.File(tmp_path / "a.txt")
    spot = make_spot()
    marked = spot.mark(read)
    for table in ([1, 2], Table("\ud800"), Table(file), Table(3), [file]):
        if isinstance(table, Table) and table.parts == (3,):
            assert table.size == 1
        marked(table, ["x"])
        assert spot.explain(marked, table, ["y"]).differs == ("argument x",)


def test_an_ignored_argument_may_change(make_spot: Callable[..., Spot], caplog: Any) -> None:
    def append(x: int, log: list[int]) -> int:
        log.append(x)
        return x

    marked = make_spot().mark(ignore=("log",))(append)
    log: list[int] = []
    assert [marked(1, log), marked(1, log)] == [1, 1]
    assert log == [1]
    assert caplog.messages == []


def test_what_key_says_is_not_asked_again(make_spot: Callable[..., Spot], caplog: Any) -> None:
    def append(items: list[int], x: int) -> int:
        items.append(x)
        return x

    def first(items: list[int], x: int = 0) -> list[int]:
        STATE.ran.append("asked")
        return items

    for key in (first, {"items": first}, "an ID"):
        STATE.ran.clear()
        spot = make_spot(type(key).__name__)
        assert spot.mark(key=key)(append)([], 1) == 1
        assert STATE.ran == ["asked"] * (key != "an ID")
        assert spot.stats()["entries"] == 1
    assert caplog.messages == []


def test_a_file_is_not_read_again(
    make_spot: Callable[..., Spot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = bs.File.open
    monkeypatch.setattr(bs.File, "open", lambda file: (opened.append(file.name), real(file))[1])
    (tmp_path / "a.txt").write_text("a")
    file = bs.File(tmp_path / "a.txt")
    held: Any = dataclasses.make_dataclass("Held", ["file"])

    def size(file: Any, more: list[bs.File]) -> int:
        STATE.ran.append(1)
        return 1

    spot = make_spot(arguments=False)
    monkeypatch.setattr(type(spot._engine), "miss", lambda *_: opened.clear())
    for given in (file, held(file)):
        assert spot.mark(size)(given, [file]) == 1
        assert len(opened) == 2, "for the digests of the arguments in the row"


def test_a_cached_property_is_not_computed_again(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
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


class Keyed:
    """Says what counts of it."""

    def __init__(self) -> None:
        self.calls = 0
        self.parts: list[int] = []

    def __beautyspot_key__(self) -> object:
        return self.parts

    def count(self, x: int) -> int:
        self.calls += 1
        return x

    def add(self, x: int) -> int:
        self.parts.append(x)
        return x


def test_what_a_class_says_is_what_may_not_change(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    spot = make_spot()
    assert [spot.mark(Keyed.count)(Keyed(), 1) for _ in range(2)] == [1, 1]
    assert spot.stats()["entries"] == 1
    assert [spot.mark(Keyed.add)(Keyed(), 1) for _ in range(2)] == [1, 1]
    assert spot.stats()["entries"] == 1
    assert caplog.messages == [of_an_attribute("self", "add")]


class SignsIn:
    """As a client that a server gives a cookie: what counts of it is said by its class."""

    def __init__(self) -> None:
        self.cookie, self.url = "", "https://example.com"

    def __beautyspot_key__(self) -> str:
        if self.cookie:
            msg = "it has a cookie"
            raise UnstableKeyError(msg)
        return self.url


def test_what_has_no_form_after_its_call_has_changed(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    def sign_in(client: SignsIn) -> None:
        client.cookie = "session"

    spot = make_spot()
    spot.mark(sign_in)(SignsIn())
    assert caplog.messages == [of_an_attribute("client", "sign_in")]
    assert spot.stats()["entries"] == 0


def test_the_parts_of_what_says_itself_what_counts_are_not_looked_at(
    make_spot: Callable[..., Spot],
) -> None:
    class Part:
        def __beautyspot_key__(self) -> str:
            STATE.ran.append(self)
            return "part"

    class Whole:
        def __init__(self) -> None:
            self.part = Part()

        def __beautyspot_key__(self) -> str:
            return "whole"

    marked = make_spot().mark(lambda whole: 1)
    assert marked(Whole()) == marked(Whole()) == 1
    assert STATE.ran == []


LIBRARY = """
class Expr:
    '''As an expression of sympy, which keeps its hash when it is first asked for it.'''
    __slots__ = ("_args", "_mhash")
    def __init__(self, *args):
        self._args, self._mhash = args, None
    def __hash__(self):
        self._mhash = self._mhash or hash(self._args)
        return self._mhash
    def copy(self):
        return Expr(*self._args)

class Mapped:
    '''As a declarative base of SQLAlchemy.'''
    def __init__(self, name):
        self._state = None
        self.name = name
    def load(self):
        self._state = "loaded"

class Locked(Mapped):
    def __init__(self, name):
        super().__init__(name)
        self._state = iter(())
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
    class User(library.Mapped):  # type: ignore[misc]
        def greet(self) -> str:
            self.load()
            return f"hello {self.name}"

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
    spot.mark(User.rename)(User("a"), "b")
    fields = "pass its fields"
    assert caplog.messages[:3] == [
        f"{changed('expr._mhash', 'expand')}: `expr` is of another package: {fields}",
        f"{changed('self._state', 'greet')}: `self` is of another package: {fields}",
        f"{changed('user._state', 'greet')}: `user` is of another package: {fields}",
    ]
    assert caplog.messages[3:] == [of_an_attribute("self.name", "rename")]


def test_nor_where_it_has_no_form(
    make_spot: Callable[..., Spot], caplog: Any, library: Any
) -> None:
    class User(library.Locked):  # type: ignore[misc]
        def greet(self) -> str:
            return f"hello {self.name}"

    def greet(user: Any) -> str:
        return f"hello {user.name}"

    spot = make_spot()
    assert spot.mark(User.greet)(User("a")) == "hello a"
    assert spot.mark(greet)(User("a")) == "hello a"
    assert len(caplog.messages) == 2
    for name, said in zip(("self", "user"), caplog.messages, strict=True):
        assert f"{name} is of another package: pass its fields" in said
        assert f'say with mark(key={{"{name}": function}}) what counts' in said
        assert "ignore=" not in said
        assert "leave it out" not in said
    caplog.clear()
    make_spot("other").mark(greet)(library.Locked("a"))
    [said] = caplog.messages
    assert 'mark(ignore=("user",)) leaves the whole argument user out' in said
    assert "else pass its fields or str(user), or say with mark(key=" in said
    assert "._state" not in said.partition("runs uncached")[2]


def test_an_object_of_sqlalchemy(make_spot: Callable[..., Spot], caplog: Any) -> None:
    pytest.importorskip("sqlalchemy")
    import sqlalchemy as sa
    from sqlalchemy import orm

    class Base(orm.DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String)

        def greet(self) -> str:
            return f"hello {self.name}"

    def read(statement: Any) -> str:
        return str(statement)

    spot = make_spot()
    assert spot.mark(User.greet)(User(id=1, name="a")) == "hello a"
    spot.mark(read)(sa.select(User))
    first, second = caplog.messages
    assert "self is of another package: pass its fields" in first
    assert "ignore=" not in first
    assert "else pass its fields or str(statement), or say with mark(key=" in second


class Service:
    _client: object = None

    def __init__(self) -> None:
        self.model = "small"
        self.calls = 0
        self.__token = 0

    def count(self, question: str) -> str:
        self.calls += 1
        return question


class Declared(Service):
    later_set: int

    @property
    def client(self) -> object:
        return self._client


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("self.cals", "the Declared has no attribute 'cals'. Did you mean 'calls'?"),
        ("self.model.name", "the str has no attribute 'name'"),
        ("self.client", "Declared.client is a property: name the attribute that it reads"),
        ("question.text", "the str has no attribute 'text'"),
        ("self.__tokens", "the Declared has no attribute '_Service__tokens'"),
    ],
)
def test_ignore_of_nothing_is_told_after_the_first_run(
    make_spot: Callable[..., Spot], troubles: list[Trouble], path: str, words: str
) -> None:
    marked = make_spot(on_error=troubles.append).mark(ignore=(path, "self.calls"))(Service.count)
    for question in ("a", "b"):
        assert marked(Declared(), question) == question
    (trouble,) = troubles
    assert words in str(trouble)
    assert isinstance(trouble.error, ConfigError)
    strict = make_spot("strict", strict=True).mark(ignore=(path, "self.calls"))(Service.count)
    with pytest.raises(ConfigError, match="leaves out nothing"):
        strict(Declared(), "a")


@pytest.mark.parametrize("path", ["self._client", "self.later_set", "self.__token"])
def test_ignore_of_what_is_there_or_may_come_is_right(spot: Spot, path: str) -> None:
    marked = spot.mark(ignore=(path, "self.calls"))(Service.count)
    assert marked(Declared(), "a") == "a"


def test_nothing_is_said_of_an_attribute_of_an_argument_that_is_left_out(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    @make_spot(on_error=troubles.append).mark(ignore=("client.token",))
    def ask(question: str, client: object = None) -> str:
        return question

    assert ask("a") == "a"
    assert troubles == []


def test_a_misspelt_attribute_is_told_where_its_value_has_no_form(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    service = Service()
    service.clinet = iter(())  # type: ignore[attr-defined]
    marked = make_spot(on_error=troubles.append).mark(ignore=("self.client",))(Service.count)
    marked(service, "a")
    assert "has no attribute 'client'. Did you mean 'clinet'?" in str(troubles[0])


def test_a_private_name_means_what_it_means_in_its_class(spot: Spot) -> None:
    class _Client:
        def __init__(self, name: str) -> None:
            self.__lock = iter(())
            self.__name = name

        @spot.mark(ignore=("self.__lock",))
        def ask(self, __x: int) -> int:
            STATE.ran.append(__x)
            return __x

        @spot.mark(ignore=("self.__lock",), key={"__x": abs})
        def size(self, __x: int) -> int:
            STATE.ran.append(__x)
            return abs(__x)

    for ask in (_Client("a").ask, _Client("a").ask, _Client("b").ask):
        assert ask(1) == 1
    assert STATE.ran == [1, 1]
    assert [_Client("a").size(-2), _Client("a").size(2)] == [2, 2]
    assert STATE.ran == [1, 1, -2]
