"""Functions that come with arguments: methods of a client, partials, objects with `__call__`."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from kinds import RAN


def required_args(function: Any) -> Any:
    """As the SDKs decorate their methods, coroutine functions too."""

    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> Any:
        if "model" not in kwargs:
            raise TypeError("Missing required argument: model")
        return function(*args, **kwargs)

    return wrapper


class Completions:
    """The part of an SDK that is called: it holds a client, and that a lock and a secret."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @required_args
    def create(self, *, model: str, n: int | None = None, timeout: float | None = None) -> str:
        RAN.append(model)
        return f"{model} at {self._client.base_url}"

    @required_args
    async def acreate(self, *, model: str) -> str:
        RAN.append(model)
        return model

    @required_args
    def items(self, *, model: str) -> Iterator[str]:
        RAN.append(model)
        yield from model

    def ask(self, question: str, *more: str) -> str:
        RAN.append(question)
        return question

    def __call__(self, question: str) -> str:
        RAN.append(question)
        return question


class Client:
    def __init__(self, base_url: str = "a") -> None:
        self.api_key = "sk-canary"
        self.base_url = base_url
        self._lock = threading.Lock()
        self.completions = Completions(self)


def ask(client: Client, question: str, *, model: str = "m") -> str:
    RAN.append(question)
    return f"{question} {model} {client.base_url}"


def test_a_method_of_a_client_works_without_its_self(spot: Spot) -> None:
    create = spot.mark(Client().completions.create, ignore=("self",))
    assert create(model="x") == create(model="x") == "x at a"
    other = spot.mark(Client("b").completions.create, ignore=("self",))
    assert other(model="x") == "x at a", "by the user's word they are one"
    assert RAN == ["x"]
    (row,) = spot.metadata.all_rows()
    assert row.func_name == "create"
    assert row.func_identifier.endswith("test_bound:Completions.create")
    assert spot.cached_run(create, model="x") == "x at a"
    assert list(spot.explain(create, model="x").arguments) == ["model"], "what was left out"


def test_a_key_stands_in_for_self(spot: Spot) -> None:
    by_model = spot.mark(Client().completions.create, key=lambda **given: given["model"])
    assert by_model(model="x") == by_model(model="x", n=2)
    by_address = {"self": lambda completions: completions._client.base_url}
    for url in ("a", "b", "a", "b"):
        create = spot.mark(Client(url).completions.create, key=by_address)
        assert create(model="y") == f"y at {url}"
    assert RAN == ["x", "y", "y"]


def test_a_coroutine_method_beneath_a_plain_decorator(spot: Spot) -> None:
    create = spot.mark(Client().completions.acreate, ignore=("self",))

    async def main() -> None:
        assert await create(model="x") == await create(model="x") == "x"

    asyncio.run(main())
    assert RAN == ["x"]


def test_a_generator_beneath_a_plain_decorator(spot: Spot) -> None:
    items = spot.mark(Client().completions.items, ignore=("self",))
    assert list(items(model="xy")) == list(items(model="xy")) == ["x", "y"]
    assert RAN == ["xy"]


@pytest.mark.parametrize("call", ["mark", "cached_run"])
def test_the_message_shows_the_line_to_write(
    make_spot: Callable[..., Spot], troubles: list[Trouble], call: str
) -> None:
    spot, create = make_spot(on_error=troubles.append), Client().completions.create
    result = spot.mark(create)(model="x") if call == "mark" else spot.cached_run(create, model="x")
    assert result == "x at a"
    assert "if no result depends on self._client.completions, write mark(ignore=" in str(
        troubles[0]
    )
    mended = spot.mark(create, ignore=("self._client.completions", "self._client._lock"))
    assert mended(model="x") == "x at a"
    assert len(troubles) == 1, "the line works"


def test_what_a_partial_binds_is_named_as_any_argument(spot: Spot) -> None:
    partial = functools.partial(functools.partial(ask, Client()), model="big")
    for options in ({"ignore": ("client",)}, {"key": {"client": lambda client: client.base_url}}):
        for _ in range(2):
            assert spot.mark(partial, **options)("q") == "q big a"
    assert RAN == ["q", "q"]
    with pytest.raises(ConfigError, match="ask has no parameter 'cleint'.* Did you mean 'client'"):
        spot.mark(partial, ignore=("cleint",))


@dataclass
class Model:
    factor: int

    def scaled(self, x: int) -> int:
        RAN.append(x)
        return self.factor * x

    def __call__(self, x: int) -> int:
        return self.scaled(x)

    @classmethod
    def made(cls, x: int) -> str:
        RAN.append(x)
        return f"{cls.__name__} {x}"


class Submodel(Model):
    pass


def test_what_is_bound_counts_as_if_it_were_passed(spot: Spot) -> None:
    """Each line is one call, and no two lines are."""
    scaled, called = Model.scaled, Model.__call__
    lines = [
        (6, lambda: spot.mark(Model(2).scaled)(3), lambda: spot.mark(scaled)(Model(2), 3)),
        (9, lambda: spot.mark(Model(3).scaled)(3), lambda: spot.mark(scaled)(Model(3), x=3)),
        (8, lambda: spot.mark(Model(2))(4), lambda: spot.mark(called)(Model(2), 4)),
        (12, lambda: spot.mark(Model(3))(4), lambda: spot.cached_run(Model(3), x=4)),
        ("Model 1", lambda: spot.mark(Model.made)(1), lambda: spot.cached_run(Model.made, 1)),
        ("Submodel 1", lambda: spot.mark(Submodel.made)(1), lambda: spot.mark(Submodel.made)(x=1)),
        (
            10,
            lambda: spot.mark(functools.partial(Model(2).scaled, 5))(),
            lambda: spot.mark(functools.partial(scaled, x=5))(Model(2)),
        ),
    ]
    for value, *ways in lines:
        assert [way() for way in ways] == [value, value]
    assert len(RAN) == len(lines)
    for value, *ways in lines:
        assert [way() for way in ways] == [value, value]
    assert len(RAN) == len(lines)
