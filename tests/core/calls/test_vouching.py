"""Classes that a call is given, or that a generic annotation names, vouch for its result."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from typing import Any, Generic, Optional, TypeVar, Union

import pydantic
import pytest
from beautyspot import Spot

T = TypeVar("T")
M = TypeVar("M", bound=pydantic.BaseModel)
RUNS: list[Any] = []


class Item(pydantic.BaseModel):
    name: str = "a"


class Basket(pydantic.BaseModel):
    items: list[Item] = [Item()]


@dataclasses.dataclass
class Row:
    x: int = 1


@dataclasses.dataclass
class Result(Generic[T]):
    value: T


class Message(pydantic.BaseModel, Generic[T]):
    parsed: Optional[T] = None  # noqa: UP045 - pydantic evaluates it


class Completion(pydantic.BaseModel, Generic[T]):
    """Shaped like what the clients of LLM providers return."""

    id: str
    choices: list[Message[T]]


@pytest.fixture
def caught(spot: Any, caplog: Any) -> Any:
    """Calls a function twice: the same comes back, from the cache the second time."""

    def twice(function: Any, *args: Any, **kwargs: Any) -> Any:
        marked = spot.mark(function)
        RUNS.clear()
        first, second = marked(*args, **kwargs), marked(*args, **kwargs)
        assert RUNS == [1], caplog.text
        assert (type(second), second) == (type(first), first)
        return second

    return twice


def plain(schema: type[T]) -> T:
    RUNS.append(1)
    return schema()


def bounded(prompt: str, *, schema: type[M]) -> M:
    RUNS.append(1)
    return schema()


def base(schema: type[pydantic.BaseModel]) -> pydantic.BaseModel:
    RUNS.append(1)
    return schema()


def maybe(schema: type[T] | None = None) -> T | str:
    RUNS.append(1)
    return schema() if schema else "text"


def several(schemas: list[type[T]]) -> list[T]:
    RUNS.append(1)
    return [schema() for schema in schemas]


def by_name(schemas: dict[str, type[T]], **more: type[T]) -> dict[str, T]:
    RUNS.append(1)
    return {name: schema() for name, schema in schemas.items()}


def completion(schema: type[T]) -> Completion[T]:
    RUNS.append(1)
    return Completion[schema](id="1", choices=[Message[schema](parsed=schema())])  # type: ignore[valid-type]


U = TypeVar("U")


def within(schema: type[U]) -> list[Completion[U] | None]:
    return [None, completion(schema)]


def unchanged(value: T) -> T:
    RUNS.append(1)
    return value


def defaulted(schema: type = Row) -> Any:
    RUNS.append(1)
    return schema()


def test_a_class_that_is_passed_vouches_for_itself(caught: Any) -> None:
    for cls in (Item, Basket, Row):
        caught(plain, cls)
        caught(maybe, schema=cls)
        caught(several, [cls, Row])
        caught(by_name, {"a": cls})
        caught(completion, cls)
        caught(within, cls)
        caught(unchanged, cls())
    caught(bounded, "p", schema=Basket)
    caught(base, Basket)
    assert caught(maybe) == "text"
    caught(defaulted)


def test_of_coroutines_streams_and_methods_too(spot: Any) -> None:
    import asyncio

    async def ask(schema: type[T]) -> T:
        RUNS.append(1)
        return schema()

    def stream(schema: type[T]) -> Any:
        RUNS.append(1)
        yield schema()

    class Client:
        @spot.mark(ignore=("self",))
        def ask(self, schema: type[T]) -> T:
            RUNS.append(1)
            return schema()

    marked, streamed, client = spot.mark(ask), spot.mark(stream), Client()
    for call in (
        lambda: asyncio.run(marked(Row)),
        lambda: [*streamed(Row)][0],
        lambda: client.ask(Row),
    ):
        RUNS.clear()
        assert [call(), call(), len(RUNS)] == [Row(), Row(), 1]
    assert spot.peek(marked, Row).value == Row()


def make(default: int) -> type:
    @dataclasses.dataclass
    class Made:
        x: int = default

    return Made


def test_two_classes_of_one_name_are_never_mixed_up(spot: Any, make_spot: Any) -> None:
    marked, one, other = spot.mark(plain), make(1), make(2)
    for _ in range(3):
        assert [type(marked(cls)) for cls in (one, other)] == [one, other]
    together = make_spot("loose").mark(several)  # they can't be stored together
    for _ in range(2):
        assert [*map(type, together([one, other]))] == [one, other]


def test_a_class_vouches_in_its_own_call_alone(make_spot: Any) -> None:
    def other(schema: type[T]) -> Any:
        RUNS.append(1)
        return Row()

    marked = make_spot().mark(other)
    RUNS.clear()
    for cls in (Row, Item, Row, Item):
        assert marked(cls) == Row()
    assert len(RUNS) == 3  # once for Row, and each time for Item


PROGRAM = """
    import dataclasses, sys
    import beautyspot as bs
    from typing import TypeVar

    T = TypeVar("T")
    spot = bs.Spot("app", directory=sys.argv[1])

    @dataclasses.dataclass
    class Row:
        x: int = 1

    @spot.mark
    def ask(schema: type[T]) -> T:
        print("runs")
        return schema()

    assert ask(Row) == Row()
"""


def test_in_a_new_process(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, str(program), str(tmp_path / "store")]
    printed = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in "ab"]
    assert [one.stdout for one in printed] == ["runs\n", ""]


# ------------------------------------------------------------------------- generic annotations


def result_of_int() -> Result[int]:
    RUNS.append(1)
    return Result(1)


def message_of_item() -> Message[Item]:
    RUNS.append(1)
    return Message[Item](parsed=Item())


def message_without() -> Message[Item]:
    RUNS.append(1)
    return Message(parsed=Item())


def either() -> Union[Message[Item], Message[int]]:  # noqa: UP007 - the old form counts too
    RUNS.append(1)
    return Message[int](parsed=1)


@pytest.mark.parametrize(
    "function", [result_of_int, message_of_item, message_without, either], ids=lambda f: f.__name__
)
def test_a_generic_annotation_vouches(caught: Any, function: Any) -> None:
    caught(function)


def test_of_any_number_of_classes(spot: Any) -> None:
    marked, classes = spot.mark(plain), [make(number) for number in range(70)]
    for _ in range(2):
        assert [type(marked(cls)) for cls in classes] == classes


def test_an_annotation_may_be_anything(spot: Any) -> None:
    def work(schema: Any) -> int:
        return 1

    work.__annotations__ = {"schema": "type[", "return": Strange()}
    assert spot.mark(name="work")(work)(Row) == 1


class Strange:
    @property
    def __parameters__(self) -> Any:
        raise RuntimeError


def test_arguments_that_do_not_fit_are_the_function_s_own_error(spot: Any) -> None:
    with pytest.raises(TypeError, match="schema"):
        spot.mark(plain)()
    with pytest.raises(TypeError):
        spot.mark(plain)(3)


def test_spots_are_typed(spot: Spot) -> None:
    row: Row = spot.mark(plain)(Row)
    assert row == Row()


def test_a_call_that_fits_no_signature_raises_as_the_function_does(spot: Any) -> None:
    def parse(schema: type[T], text: str) -> T:
        return schema()

    marked = spot.mark(parse)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        marked(Item)
