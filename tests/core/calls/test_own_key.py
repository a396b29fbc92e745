"""Calls that change their own key, and `ignore=` that leaves out nothing: told, with the line."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import ConfigError, UnstableKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.reporting import Trouble
    from beautyspot.spot import Spot

RAN: list[object] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    RAN.clear()


class Service:
    """What people write: it counts, remembers, and makes a client when it needs one."""

    _client: object = None

    def __init__(self, model: str = "small") -> None:
        self.model = model
        self.calls = 0
        self.seen: list[str] = []
        self.__token = 0

    def count(self, question: str) -> str:
        RAN.append(question)
        self.calls += 1
        return question

    def remember(self, question: str) -> str:
        RAN.append(question)
        self.seen.append(question)
        self.calls += 1
        return question

    def connect(self, question: str) -> str:
        RAN.append(question)
        self._client = self._client or iter(())
        return question

    def renew(self, question: str) -> str:
        RAN.append(question)
        self.__token += 1
        return question

    async def later(self, question: str) -> str:
        await asyncio.sleep(0)
        return self.count(question)


@dataclass(slots=True)
class Slotted:
    calls: int = 0
    names: list[str] = field(default_factory=list)

    def count(self, question: str) -> str:
        return Service.count(self, question)  # type: ignore[arg-type]


def ask(service: Service, question: str) -> str:
    return service.count(question)


@pytest.mark.parametrize(
    ("function", "make", "paths"),
    [
        (Service.count, Service, ("self.calls",)),
        (Service.remember, Service, ("self.calls", "self.seen")),
        (Service.connect, Service, ("self._client",)),
        (Service.renew, Service, ("self.__token",)),
        (Service.later, Service, ("self.calls",)),
        (Slotted.count, Slotted, ("self.calls",)),
        (ask, Service, ("service.calls",)),
    ],
)
def test_a_call_that_changes_its_own_key_is_told_once(
    make_spot: Callable[..., Spot], caplog: Any, function: Any, make: Any, paths: tuple[str, ...]
) -> None:
    def run(marked: Any, one: Any) -> Any:
        made = marked(one, "why?")
        return asyncio.run(made) if asyncio.iscoroutine(made) else made

    spot = make_spot()
    marked, one = spot.mark(function), make()
    assert [run(marked, one) for _ in range(3)] == ["why?"] * 3
    shown = tuple(path.replace("__", "_Service__") for path in paths)
    comma = "," if len(paths) == 1 else ""
    line = "mark(ignore=(" + ", ".join(f'"{path}"' for path in shown) + f"{comma}))"
    said = caplog.messages[0]  # a client without a form is told besides
    assert f"a call changed {', '.join(shown)}, which is a part of its key" in said
    assert said.endswith(f"write {line}")
    assert line in spot.explain(marked, one, "why?").reason
    caplog.clear()
    RAN.clear()
    mended, one = make_spot("mended").mark(ignore=paths)(function), make()
    assert [run(mended, one) for _ in range(3)] == ["why?"] * 3
    assert RAN == ["why?"], "the line works"
    assert caplog.messages == []


def test_a_captured_list_that_grows_is_told(make_spot: Callable[..., Spot], caplog: Any) -> None:
    seen: list[str] = []

    def note(question: str) -> str:
        seen.append(question)
        return question

    spot = make_spot()
    marked = spot.mark(note)
    assert [marked("a"), marked("a")] == ["a", "a"]
    assert len(seen) == 2
    assert caplog.messages[0].endswith('write mark(ignore=("seen",))')
    mended = make_spot("mended").mark(ignore=("seen",))(note)
    assert [mended("b"), mended("b")] == ["b", "b"]
    assert len(seen) == 3


def test_what_a_bound_method_changes_is_told(make_spot: Callable[..., Spot], caplog: Any) -> None:
    make_spot().mark(Service().count)("a")
    assert caplog.messages[0].endswith('write spot.mark(….count, ignore=("self.calls",))')


def test_an_argument_that_its_caller_makes_anew_may_change(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    pandas = pytest.importorskip("pandas")
    spot = make_spot()

    @spot.mark
    def change(items: list[int], table: Any) -> list[int]:
        RAN.append(1)
        items.sort()
        table["b"] = 1
        return items

    for _ in range(3):
        assert change([2, 1], pandas.DataFrame({"a": [1]})) == [1, 2]
    assert RAN == [1]
    assert caplog.messages == []


class Part:
    """Says what counts of it, and that it was asked."""

    def __beautyspot_key__(self) -> str:
        RAN.append(self)
        return "part"


class Whole:
    """Says what counts of it, which its part is not."""

    def __init__(self) -> None:
        self.part = Part()

    def __beautyspot_key__(self) -> str:
        return "whole"


def test_the_parts_of_what_says_itself_what_counts_are_not_looked_at(
    make_spot: Callable[..., Spot],
) -> None:
    marked = make_spot().mark(lambda whole: 1)
    assert marked(Whole()) == marked(Whole()) == 1
    assert RAN == []


def test_what_counts_not_may_change(make_spot: Callable[..., Spot], caplog: Any) -> None:
    class Cached:
        @functools.cached_property
        def table(self) -> list[int]:
            return [1, 2]

        def first(self, x: int) -> int:
            return self.table[x]

    class Keyed:
        calls = 0

        def __beautyspot_key__(self) -> str:
            return "keyed"

        def first(self, x: int) -> int:
            self.calls += 1
            return self.calls

    for cls in (Cached, Keyed):
        one, marked = cls(), make_spot(cls.__name__).mark(cls.first)
        assert marked(one, 0) == marked(one, 0) == 1
    assert caplog.messages == []


def test_the_row_tells_what_the_arguments_were(make_spot: Callable[..., Spot]) -> None:
    """Before the run: so `explain` names the argument that another call has changed since."""
    spot, service = make_spot(), Service()
    marked = spot.mark(Service.count)
    marked(service, "a")
    again = make_spot("app").mark(Service.count)
    assert again.__wrapped__ is Service.count  # type: ignore[attr-defined]
    assert "differs in argument self" in spot.explain(again, service, "a").reason


# ------------------------------------------------------------------------ `ignore=` of nothing


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
    make_spot(on_error=troubles.append).mark(ignore=("self.client",))(Service.count)(service, "a")
    assert "has no attribute 'client'. Did you mean 'clinet'?" in str(troubles[0])


def test_a_private_name_means_what_it_means_in_its_class(spot: Spot) -> None:
    class _Client:
        def __init__(self, name: str) -> None:
            self.__lock = iter(())
            self.__name = name

        @spot.mark(ignore=("self.__lock",))
        def ask(self, __x: int) -> int:
            RAN.append(__x)
            return __x

        @spot.mark(ignore=("self.__lock",), key={"__x": abs})
        def size(self, __x: int) -> int:
            RAN.append(__x)
            return abs(__x)

    for ask in (_Client("a").ask, _Client("a").ask, _Client("b").ask):
        assert ask(1) == 1
    assert RAN == [1, 1]
    assert [_Client("a").size(-2), _Client("a").size(2)] == [2, 2]
    assert RAN == [1, 1, -2]


class SignsIn:
    """As a client that a server gives a cookie: what counts of it is said by its class."""

    def __init__(self) -> None:
        self.cookie, self.url = "", "https://example.com"

    def __beautyspot_key__(self) -> str:
        if self.cookie:
            msg = "it has a cookie"
            raise UnstableKeyError(msg)
        return self.url


def sign_in(client: SignsIn) -> None:
    client.cookie = "session"


def test_what_has_no_form_after_its_call_is_told_as_that(
    make_spot: Callable[..., Spot], caplog: Any
) -> None:
    make_spot().mark(sign_in)(SignsIn())
    [said] = caplog.messages
    assert "a call changed client, which is a part of its key" in said
    assert "has no key the next time, and runs uncached" in said
    assert "it has a cookie" in said
    assert said.endswith('write mark(ignore=("client",))')
