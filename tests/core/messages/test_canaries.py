"""A secret in an argument, an object, an error or a result shows in no text of ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from beautyspot.errors import BeautyspotError
from beautyspot.spot import Spot

TOKEN = "sk-canary0123456789"
PLAIN = "canary-without-a-prefix"
SIGNED = f"https://x.blob.core.windows.net/a?sv=1&sig={PLAIN}"


class Client:
    def __init__(self, **held: object) -> None:
        self.api_key = PLAIN
        self.base_url = "https://example.org"
        vars(self).update(held)


@dataclass
class Config:
    password: str
    headers: dict[str, str]


class Raising:
    def __beautyspot_key__(self) -> object:
        raise ValueError(f"no access with api_key={PLAIN} and {TOKEN}")

    def __reduce__(self) -> Any:
        raise ValueError(f"password={PLAIN}")


def use(value: object, **more: object) -> int:
    return 1


CALLS: list[Callable[[Any], object]] = [
    lambda f: f(Client()),
    lambda f: f(Client(_lock=threading.Lock())),
    lambda f: f(Client(_tokens={TOKEN: threading.Lock()})),
    lambda f: f(Config(PLAIN, {"Authorization": f"Bearer {PLAIN}"})),
    lambda f: f([(b"Authorization", f"Bearer {PLAIN}".encode()), ("x-api-key", PLAIN)]),
    lambda f: f({1: TOKEN, b"cookie": PLAIN.encode()}),
    lambda f: f(TOKEN),
    lambda f: f(f"Bearer {PLAIN}".encode()),
    lambda f: f(SIGNED),
    lambda f: f("https://user:canary@example.org/"),
    lambda f: f(1, api_key=PLAIN, access_tokens=[PLAIN], sig=PLAIN),
    lambda f: f(1, settings={"auth": (PLAIN, PLAIN), "token": {"value": PLAIN}}),
    lambda f: f(Raising()),
    lambda f: f(object(), api_key=PLAIN),
]


@pytest.mark.parametrize("call", CALLS)
def test_no_argument_shows_its_secret(
    make_spot: Callable[..., Spot], caplog: Any, call: Callable[[Any], object]
) -> None:
    told: list[str] = []
    spot = make_spot(on_error=lambda trouble: told.append(str(trouble)))
    marked = spot.mark(use)
    explain = lambda *args, **kwargs: told.append(str(spot.explain(marked, *args, **kwargs)))  # noqa: E731
    call(explain)
    call(marked)
    call(explain)
    with_other = spot.mark(version=2)(use)
    call(lambda *args, **kwargs: told.append(repr(spot.explain(with_other, *args, **kwargs))))
    try:
        call(lambda *args, **kwargs: spot.key(marked, *args, **kwargs))
    except BeautyspotError as error:
        told.append(str(error))
    told += [*caplog.messages, repr(spot), str(spot.stats()), repr(marked)]
    assert len(told) >= 6
    assert "canary" not in " ".join(told)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"401 for {SIGNED}"),
        ValueError(f"api_key: {PLAIN}"),
        RuntimeError(f"refused {TOKEN}"),
    ],
)
def test_no_error_shows_a_secret(
    make_spot: Callable[..., Spot], caplog: Any, error: Exception
) -> None:
    told: list[str] = []
    spot = make_spot(on_error=lambda trouble: told.append(str(trouble)), ttl=3600)

    class Result:
        pass

    def encode(value: object) -> object:
        raise error

    spot.register(Result, encode=encode, decode=lambda form: Result())
    spot.cached_run(Result)

    def by_key(value: object) -> object:
        raise error

    spot.mark(key=by_key)(use)(1)
    spot.mark(key={"value": by_key})(use)(2)
    spot.mark(cache_if=by_key)(use)(3)
    told += caplog.messages
    assert len(told) >= 7
    assert "canary" not in " ".join(told)


def test_what_is_no_secret_is_shown(spot: Spot) -> None:
    marked = spot.mark(use)
    marked(1, max_tokens=100, model="gpt", question="what is a token?")
    shown = spot.explain(marked, 1, max_tokens=100, model="gpt", question="a token?").arguments
    assert shown == {
        "value": "1",
        "max_tokens": "100",
        "model": '"gpt"',
        "question": '"a token?"',
    }
