"""Decorated functions keep their types. Never run: mypy and basedpyright read it.

What `assert_type` says holds in both. Each ignore comment stands where a checker must find a
mistake; one that finds none there complains of the comment.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

import beautyspot as bs
from beautyspot_local import LocalStorage, TokenBucket
from beautyspot_s3 import S3Storage

spot = bs.Spot("typing", limiter={"use": "gcra", "rate": "10/s"})


@dataclass
class Answer:
    text: str


# ------------------------------------------------------------------------------------- functions


@spot.mark
def bare(a: int, b: str = "x", *, c: float = 1.0) -> list[str]:
    return [b] * a


@spot.mark(version=2, ttl="12h", tags=("one",), save_blob=None, content_type="text/plain")
def optioned(a: int, *rest: bytes, **named: str) -> dict[str, Answer]:
    return {}


@spot.mark(key={"path": bs.KeyGen.from_file_content}, ignore=("client",), cache_if=bool)
def keyed(path: Path, client: object = None) -> Answer | None:
    return None


@spot.mark(
    cache_errors=(LookupError, OSError),
    error_ttl="1h",
    ttl=lambda result, name: len(result),
    tags=lambda result, name: {name},
)
def chosen(name: str) -> str:
    return name


spot.mark(cache_errors=LookupError)
spot.mark(cache_errors=[KeyboardInterrupt])  # type: ignore[list-item]


@spot.mark(each="texts", batch=100)
def embed(texts: list[str], *, model: str = "small") -> list[list[float]]:
    return [[1.0] for _ in texts]


@spot.mark
@spot.limiter(cost=lambda a: 1 + a, timeout=3)
def limited(a: int) -> str:
    return str(a)


@spot.limiter(
    cost={"requests": 1, "tokens": lambda a: a},
    key=lambda a: str(a),
    settle=lambda result: {"tokens": len(result)},
    max_concurrent=3,
)
def limited_by_more(a: int) -> str:
    with spot.limit(cost={"tokens": 3}, key="a") as permit:
        permit.settle({"tokens": 2})
    return str(a)


@spot.limiter
def only_limited(a: int, /) -> str:
    return str(a)


def check_functions() -> None:
    assert_type(bare(1, "x", c=2.0), list[str])
    assert_type(optioned(1, b"x", y="z"), dict[str, Answer])
    assert_type(keyed(Path("x")), Answer | None)
    assert_type(embed(["a"], model="large"), list[list[float]])
    assert_type(limited(1), str)
    assert_type(only_limited(1), str)
    bare("x")  # type: ignore[arg-type]
    bare(1, d=1)  # type: ignore[call-arg]
    limited(1, 2)  # type: ignore[call-arg]


# ----------------------------------------------------------------------------- coroutines, streams


@spot.mark
async def coroutine(a: int) -> Answer:
    return Answer(str(a))


@spot.mark(version="auto")
@spot.limiter(cost=2)
async def limited_coroutine(a: int) -> Answer:
    return Answer(str(a))


@spot.mark
def generator(a: int) -> Iterator[int]:
    yield a


@spot.mark(ttl=60)
async def async_generator(a: int) -> AsyncIterator[str]:
    yield str(a)


async def check_async() -> None:
    assert_type(await coroutine(1), Answer)
    assert_type(await limited_coroutine(1), Answer)
    for item in generator(1):
        assert_type(item, int)
    async for text in async_generator(1):
        assert_type(text, str)
    called: Coroutine[Any, Any, Answer] = coroutine(1)
    await called
    await coroutine("x")  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------- methods


class Model:
    @spot.mark
    def method(self, a: int) -> str:
        return str(a)

    @spot.mark(ignore=("self.client",))
    async def async_method(self, a: int) -> Answer:
        return Answer(str(a))

    @classmethod
    @spot.mark
    def class_method(cls, a: int) -> str:
        return f"{cls.__name__}{a}"

    @staticmethod
    @spot.mark(version=1)
    def static_method(a: int) -> str:
        return str(a)

    @property
    @spot.mark
    def total(self) -> float:
        return 1.0

    @spot.mark
    @spot.limiter(cost=1)
    def limited_method(self, a: int) -> str:
        return str(a)


async def check_methods(model: Model) -> None:
    assert_type(model.method(1), str)
    assert_type(Model.method(model, 1), str)
    assert_type(await model.async_method(a=1), Answer)
    assert_type(Model.class_method(1), str)
    assert_type(model.class_method(1), str)
    assert_type(Model.static_method(1), str)
    assert_type(model.static_method(1), str)
    assert_type(model.total, float)
    assert_type(model.limited_method(1), str)
    model.method()  # type: ignore[call-arg]
    Model.class_method("x")  # type: ignore[arg-type]


# ------------------------------------------------------------------------ one call, and questions


def plain(a: int, *, b: str = "") -> set[int]:
    return {a}


async def check_calls(model: Model) -> None:
    assert_type(spot.cached_run(plain, 1, b="x"), set[int])
    assert_type(await spot.cached_run(coroutine, 1), Answer)
    assert_type(spot.cached_run(model.method, 1), str)
    assert_type(spot.key(bare, 1), str)
    assert_type(spot.peek(bare, 1), bs.Stored | None)
    assert_type(spot.refresh(bare, 1, c=2.0), list[str])
    assert_type(await spot.refresh(coroutine, 1), Answer)
    assert_type(spot.invalidate(bare, 1), bool)
    assert_type(spot.invalidate_all(bare), int)
    assert_type(spot.explain(bare, 1), bs.Explanation)
    assert_type(spot.stats(), bs.Stats)
    assert_type(spot.stats()["hits"], int)
    assert_type(spot.stats()["entries"], int | None)
    spot.cached_run(plain, "x")  # type: ignore[arg-type]
    spot.key(bare, 1, d=2)  # type: ignore[call-arg]
    spot.refresh(plain)  # type: ignore[call-arg]


# ------------------------------------------------------------------------------------- the parts


def check_spot() -> None:
    with bs.Spot("with", storage=LocalStorage("x"), limiter=TokenBucket("600/min")) as inside:
        assert_type(inside, bs.Spot)
    bs.Spot("instance", storage=S3Storage("bucket", prefix="cache"), ttl=None, config=False)
    bs.Spot("several", limiter=[{"name": "requests", "use": "5/s"}])
    bs.Spot("url", storage="s3://bucket/cache", limiter="600/min", save="background")
    bs.Spot("class", storage=LocalStorage, limiter=TokenBucket, directory=Path("x"))
    assert_type(spot.storage, bs.BlobStorageBase)
    assert_type(spot.bucket, bs.LimiterBase)
    assert_type(spot.db_path, Path)
    spot.register(Answer, encode=lambda answer: answer.text, decode=Answer)
    spot.mark(verison=2)  # type: ignore[call-overload]
    bs.Spot("x", storag="local")  # type: ignore[call-arg]
    spot.prune(maxsize=3)  # type: ignore[call-arg]
    spot.limiter(cots=3)  # type: ignore[call-overload]


Decorator = Callable[[Callable[[int], str]], Callable[[int], str]]


def check_decorators_as_values() -> None:
    marked: Decorator = spot.mark(version=1)
    slowed: Decorator = spot.limiter(cost=3)
    assert_type(marked(slowed(lambda a: str(a))), Callable[[int], str])


# ----------------------------------------------------------------------------------- observers

events: list[bs.Event] = []


class Tracer:
    def observe(self, event: bs.Event) -> None:
        if isinstance(event, bs.Hit):
            assert_type(event.saved, float)

    def execution(self, execution: bs.Execution) -> nullcontext[None]:
        return nullcontext()


class Counter:
    def observe(self, event: bs.Event) -> None: ...


def shown(event: bs.Event) -> str:
    match event:
        case bs.Miss():
            return event.reason
        case bs.Raised():
            return event.error
        case _:
            return event.function


observed = bs.Spot("typing", observers=[events.append, print, shown, Tracer(), Counter()])
bs.Spot("typing", observers=(lambda event: event.key,))
bs.Spot("typing", observers=[object()])  # type: ignore[list-item]


# --------------------------------------------------------------------------------- set_result

spot.set_result("set", chosen, "a")
spot.set_result("set", chosen, 1)  # type: ignore[arg-type]
spot.set_result("set", chosen)  # type: ignore[call-arg]

# ------------------------------------------------------------------------------------------ maps


async def maps() -> None:
    assert_type(spot.map(bare, [1, 2]), Generator[list[str], None, None])
    assert_type(spot.map(bare, [1], errors="return"), Generator[list[str] | bs.Failed, None, None])
    assert_type(spot.map(bare, [1], ["x"], concurrency=3), Generator[list[str], None, None])
    spot.map(bare, 3)  # type: ignore[call-overload]
    assert_type(spot.count(bare, [1], range(3), ["x"]), int)
