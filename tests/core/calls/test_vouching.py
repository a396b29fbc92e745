"""Classes that a call is given, or that a generic annotation names, vouch for its result."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any, Generic, Optional, TypeVar, Union

import pydantic
import pytest
from shared import of_others

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
        assert (kind_of(second), second) == (kind_of(first), first)
        return second

    return twice


def kind_of(value: Any) -> Any:
    """The class; of `Page[~T]` the model it is made of, for which ``==`` asks, too."""
    generic = getattr(type(value), "__pydantic_generic_metadata__", None)
    is_open = generic is not None and {*map(type, generic["args"])} == {TypeVar}
    return generic["origin"] if generic is not None and is_open else type(value)


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


def test_classes_that_a_function_made_are_refused(make_spot: Any) -> None:
    marked = make_spot().mark(plain)
    for cls in (make(1), make(2), make(1)):
        assert type(marked(cls)) is cls


def test_a_class_vouches_in_its_own_call_alone() -> None:
    def other(schema: type[T]) -> Any:
        RUNS.append(1)
        return Row()

    RUNS.clear()
    with of_others() as spot:
        marked = spot.mark(other)
        for cls in (Row, Item, Row, Item):
            assert marked(cls) == Row()
    assert len(RUNS) == 3  # once for Row, and each time for Item


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
    assert type(caught(function)) is type(function())


LibraryT = TypeVar("LibraryT")


class Choice(pydantic.BaseModel, Generic[T]):
    message: Message[T]


class Parsed(pydantic.BaseModel, Generic[T]):
    """Like the result of ``client.chat.completions.parse`` of the openai package."""

    choices: list[Choice[T]]


@dataclasses.dataclass
class Carton(Generic[T]):
    parsed: Parsed[T]


def parse(schema: Any, variable: Any = LibraryT) -> Any:
    """As such clients do it: with a type variable of their own in place of the class."""
    RUNS.append(1)
    message = Message[variable](parsed=schema())
    choice = Choice[variable].model_construct(message=message)
    return Parsed[variable].model_construct(choices=[choice])


def parsed_of_variable(schema: type[T]) -> Parsed[T]:
    return parse(schema)  # type: ignore[no-any-return]


def parsed_of_bounded(schema: type[M]) -> Parsed[M]:
    return parse(schema)  # type: ignore[no-any-return]


def parsed_of_item(_: object) -> Parsed[Item]:
    return parse(Item)  # type: ignore[no-any-return]


def parsed_in_dataclass(schema: type[T]) -> Carton[T]:
    return Carton(parse(schema))


@pytest.mark.parametrize(
    "function",
    [
        parsed_of_variable,
        parsed_of_bounded,
        parsed_of_item,
        parsed_in_dataclass,
    ],
    ids=lambda function: function.__name__,
)
def test_a_model_stands_for_itself_with_any_type_variables(caught: Any, function: Any) -> None:
    def kinds(value: Any) -> Any:
        parts = value if type(value) is list else vars(value).values()
        inner = [kinds(part) for part in parts if type(part) is list or hasattr(part, "__dict__")]
        return [kind_of(value), *inner]

    hit = caught(function, Item)
    RUNS.clear()
    assert kinds(hit) == kinds(function(Item))


LIBRARY = """
from typing import Any, Generic, Optional, TypeVar
import pydantic
T = TypeVar("T")
class Message(pydantic.BaseModel, Generic[T]):
    parsed: Optional[T] = None
class Parsed(pydantic.BaseModel, Generic[T]):
    choices: list[Message[T]]
"""
CLIENT = """
from typing import TypeVar
from library import Message, Parsed
ResponseT = TypeVar("ResponseT")
def parse(schema):
    print("paid")
    return Parsed[ResponseT].model_construct(choices=[Message[ResponseT](parsed=schema())])
"""
ASKING = """
import sys
from typing import TypeVar
import pydantic
from beautyspot import Spot
from library import Parsed
spot = Spot("s", directory=sys.argv[1])
T = TypeVar("T")
class Item(pydantic.BaseModel):
    name: str = "a"
@spot.mark
def ask(schema: type[T]) -> Parsed[T]:
    import client
    return client.parse(schema)
if sys.argv[2] == "before":
    import client
hit = ask(Item)
print(type(hit).__name__[:6], hit == Parsed(choices=hit.choices), type(hit.choices[0].parsed))
"""


def test_a_new_process_knows_what_a_parametrised_model_is_made_of(tmp_path: Any) -> None:
    """Also where the library's module with the type variable is imported by the call alone."""
    for name, text in (("library", LIBRARY), ("client", CLIENT), ("program", ASKING)):
        (tmp_path / f"{name}.py").write_text(text)

    def run(when: str) -> str:
        command = [sys.executable, "program.py", "store", when]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    same = "Parsed True <class '__main__.Item'>\n"
    assert run("before") == f"paid\n{same}"
    assert run("before") == run("later") == same
