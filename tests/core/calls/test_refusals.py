"""What marks, queries and blocks refuse: the call, the error, and two words of what is said."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
import click
import pytest
from beautyspot import ConfigError, Spot


def double(x: int) -> int:
    return 2 * x


async def later(x: int) -> int:
    return x


def stream(x: int) -> Iterator[int]:
    yield x


async def stream_later(x: int) -> Any:
    yield x


def embed(texts: list[str], model: str = "m") -> list[str]:
    return texts


async def embed_later(texts: list[str]) -> list[str]:
    return texts


def in_the_midst(first: int, /, *rest: int, **more: int) -> list[int]:
    return [first]


def items_of(texts: list[str]) -> Iterator[str]:
    yield from texts


class Methods:
    def ask(self, prompt: str, n: int = 1) -> str:
        return prompt

    def _private(self, __x: int) -> int:
        return __x

    def embed(self, texts: list[str]) -> list[str]:
        return texts


class NotFound(Exception):
    pass


class Asynchronous:
    async def observe(self, event: object) -> None: ...


class Half:
    execution = 1

    def __call__(self, event: object) -> None: ...


class Recorder:
    def __call__(self, event: object) -> None: ...


def made_of_a_function(name: str) -> Any:
    """A task, as a framework's decorator makes it of a function."""
    module, _, path = name.partition(":")
    return type(path, (), {"__module__": module, "__call__": lambda self: 1})()


HERE = f"{__name__}:double"
EACH: dict[str, Any] = {"each": "texts"}
CLASSES = "give classes of exceptions"
MANY = "the results of many items"

MARKS: list[tuple[Any, dict[str, Any], str]] = [
    (double, {"verison": "2"}, "Did you mean 'version'"),
    (double, {"version": True}, "version"),
    (double, {"save_blob": "yes"}, "save_blob"),
    (double, {"content_type": "png"}, "MIME"),
    (double, {"key": 3}, "key"),
    (double, {"key": {"x": 3}}, "key"),
    (double, {"ignore": ("nothing",)}, "nothing"),
    (double, {"ignore": 3}, "ignore"),
    (double, {"ignore": ("x", 3)}, 'a text, or several: ("a", "b")'),
    (double, {"tags": ""}, 'or a text, or several: ("a", "b")'),
    (double, {"name": ""}, "name"),
    (double, {"cache_if": 1}, "cache_if"),
    (double, {"mode": "never"}, "mode"),
    (double, {"ttl": -1}, "or a function of the result"),
    (double, {"stale_on_error": 1.5}, "stale_on_error"),
    (double, {"stale_on_error": True}, "give mark(ttl=), or a ttl of the Spot"),
    (double, {"mmap_mode": 4}, "Did you mean 'mmap'"),
    (double, {"price": 3}, "give a function of the result"),
    (double, {"on_cancel": "finish"}, "no coroutine function"),
    (double, {"cache_errors": "NotFound"}, f"{CLASSES}, none of beautyspot"),
    (double, {"cache_errors": (NotFound("a"),)}, CLASSES),
    (double, {"cache_errors": KeyboardInterrupt}, CLASSES),
    (double, {"cache_errors": (bs.RateLimitError,)}, CLASSES),
    (double, {"error_ttl": 5}, "no error is stored: give mark(cache_errors=) too"),
    (double, {"cache_errors": NotFound, "error_ttl": "soon"}, "error_ttl='soon'"),
    (double, {"cache_errors": NotFound, "ttl": lambda result, x: 5}, "give mark(error_ttl=) too"),
    (double, {"ttl": lambda result: 5}, "but it takes (result), and the function (x)"),
    (double, {"tags": lambda: ["t"]}, "give it the result as"),
    (double, {"key": lambda: 1}, "it takes (), and the function (x)"),
    (Methods.ask, {"key": lambda prompt: 1}, "and the function (self, prompt, n)"),
    (Methods().ask, {"key": lambda self, prompt, n: 1}, "and the function (prompt, n)"),
    (Methods._private, {"ignore": ("__y",)}, "has no parameter"),
    (Methods._private, {"ignore": ("self.__client",)}, "it has in vars(self), _Class__name"),
    (Methods._private, {"ignore": ("slef.client",)}, "has no parameter"),
    (double, {"renamed_from": HERE}, "that is its identifier now: give what it was before"),
    (double, {"renamed_from": ("a", HERE)}, "that is its identifier now"),
    (double, {"renamed_from": "module:make.<locals>.f"}, "counted by its code as well"),
    (double, {"renamed_from": ""}, "identifiers such as"),
    (stream, {"stale_on_error": True}, "does not fit"),
    (stream, {"cache_errors": NotFound}, "a generator"),
    (embed, {"each": "text"}, "Did you mean 'texts'?"),
    (in_the_midst, {"each": "rest"}, "no parameter that takes a list"),
    (functools.partial(embed, ["a"]), EACH, "its parameters are model"),
    (functools.partial(embed, texts=["a"]), EACH, "it is bound already"),
    (Methods().embed, {"each": "self"}, "its parameters are texts"),
    (embed, {**EACH, "ignore": ("texts",)}, "leave it out of ignore="),
    (embed, {**EACH, "key": "ID"}, "gives all items one ID"),
    (items_of, EACH, "it is a generator"),
    (max, {"each": "items"}, "its parameters are none that can be read"),
    (embed, {**EACH, "ttl": 1, "stale": 1}, MANY),
    (embed, {**EACH, "cache_errors": ValueError}, MANY),
    (embed_later, {**EACH, "on_cancel": "finish"}, MANY),
    (property(lambda self: 1), {}, "takes a function"),
    (click.Command("main", callback=double), {}, "beneath the decorator that makes it"),
    (made_of_a_function("celery.local:PromiseProxy"), {}, "beneath the decorator that makes it"),
    (made_of_a_function("huey.api:TaskWrapper"), {}, "beneath the decorator that makes it"),
    (made_of_a_function("prefect.flows:Flow"), {}, "beneath the decorator that makes it"),
]


@pytest.mark.parametrize(("function", "options", "words"), MARKS, ids=range(len(MARKS)))
def test_a_mark_that_does_not_fit(
    spot: Spot, function: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        spot.mark(**options)(function)
    assert words in str(caught.value)


def shut(spot: Spot) -> Spot:
    spot.shutdown()
    return spot


def within(block: Any, call: Callable[[], object]) -> None:
    with block:
        call()


NOTHING = "nothing is stored where"

CALLS: list[tuple[Callable[[Spot], object], type[Exception], str]] = [
    (lambda s: s.limiter(cots="x"), ConfigError, "limiter takes no option 'cots'. Did you mean"),
    (lambda s: s.limit(time_out="x"), ConfigError, "Did you mean 'timeout'? There are: "),
    (lambda s: s.prune(maxsize="x"), ConfigError, "Did you mean 'max_size'"),
    (lambda s: s.prune(bytes_limit=4), ConfigError, "Did you mean 'max_size'"),
    (lambda s: s.collect(grave="x"), ConfigError, "Did you mean 'grace'"),
    (lambda s: s.invalidate_all(tags="x"), ConfigError, "Did you mean 'tag'"),
    (lambda s: s.invalidate_all(), ConfigError, "say what to forget"),
    (lambda s: s.invalidate_all(3), ConfigError, "takes a function, or its identifier"),
    (lambda s: s.map(double, [1], workers=4), ConfigError, "Did you mean 'concurrency'"),
    (lambda s: s.count(double, [1], workers=4), ConfigError, "takes no option 'workers'. There"),
    (lambda s: s.limiter(concurrency=4), ConfigError, "Did you mean 'max_concurrent'"),
    (lambda s: s.register(Spot, encoder=id), ConfigError, "There are: cls, decode, encode, name"),
    (lambda s: Spot.mark(double), ConfigError, "write @spot.mark"),
    (lambda s: Spot.limiter(double), ConfigError, "write @spot.limiter"),
    *[
        (lambda s, m=m: getattr(s, m)("co", 1), ConfigError, f"{m} takes a function")
        for m in ("key", "peek", "refresh", "invalidate", "explain", "cached_run")
    ],
    (lambda s: s.using(), ConfigError, "say using(mode=…), using(max_age=…), or both"),
    (lambda s: s.using(mode="off"), ConfigError, "using(mode='off'): give"),
    (lambda s: s.using(mode=["replay"]), ConfigError, "using(mode=['replay']): give"),
    (lambda s: s.using(max_age="soon"), ConfigError, "using: max_age='soon': give "),
    (lambda s: s.using(max_agee=1), ConfigError, "max_age"),
    *[
        (lambda s, v=v: s.set_result(v, s.mark(stream), 1), ConfigError, "the items of the stream")
        for v in ("text", b"bytes", 3, None)
    ],
    *[
        (lambda s, m=m: s.set_result(1, s.mark(mode=m)(double), 1), ConfigError, NOTHING)
        for m in ("readonly", "replay")
    ],
    (
        lambda s: within(s.using(mode="replay"), lambda: s.set_result(1, s.mark(double), 1)),
        ConfigError,
        "the mode is 'replay'",
    ),
    (
        lambda s: within(s.disabled(), lambda: s.set_result(1, s.mark(double), 1)),
        ConfigError,
        "the Spot is switched off",
    ),
    (lambda s: shut(s).set_result(1, s.mark(double), 1), bs.MetadataError, "shut down"),
    *[
        (lambda s, w=w: s.mark(each="texts")(embed)(w), bs.ItemsError, "embed takes a list of")
        for w in ("ab", b"ab", {"a": 1}, {"a"}, None, 5)
    ],
]


@pytest.mark.parametrize(("call", "error", "words"), CALLS, ids=range(len(CALLS)))
def test_a_call_that_does_not_fit(
    make_spot: Callable[..., Spot], call: Callable[[Spot], object], error: type, words: str
) -> None:
    with pytest.raises(error) as caught:
        call(make_spot())
    assert words in str(caught.value)
    assert "self" not in str(caught.value)


def limits(**second: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "rate": "6/min", "use": "gcra"}, {"name": "b", "use": "gcra", **second}]


SPOTS: list[tuple[dict[str, Any], str]] = [
    ({"observers": print}, "is no list: give observers=[...]"),
    ({"observers": [None]}, "None, which is no observer: give a function of an event"),
    ({"observers": [Recorder]}, "Recorder'>, which is no observer: give a function of an event"),
    ({"observers": [Half()]}, "which is no observer: give a function"),
    ({"observers": [Asynchronous()]}, "nor is what is asynchronous"),
    ({"metadata": {"memory": 3}}, 'such as {"use": "sqlite", ...}'),
    ({"limiter": {"burst": 6}}, 'such as {"use": "gcra", ...}'),
    ({"storage": {}}, 'such as {"use": "local", ...}'),
    ({"limiter": limits(rate=0)}, "(from: argument, the limit 'b'): rate=0 is no rate"),
    ({"storge": "local"}, "Spot takes no option 'storge'. Did you mean 'storage'"),
    ({"cache_dir": "x"}, "Did you mean 'directory'"),
    ({"verbose": 0}, "Did you mean 'observers'"),
    ({"mmap_mode": "r"}, "'mmap_mode'. Each function has it: mark(mmap=True). There"),
]


@pytest.mark.parametrize(("options", "words"), SPOTS, ids=range(len(SPOTS)))
def test_a_spot_that_does_not_fit(
    make_spot: Callable[..., Spot], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_spot(**options)
    assert words in str(caught.value)


LINES = [
    ('limiter = "10"', "rate='10' is no rate: write"),
    ('limiter = ".5/s"', "rate='.5/s' is no rate: write"),
    ('limiter = "600 per minute"', "rate='600 per minute' is no rate: write"),
    ('limiter = {use = "gcra", rate = "6/s", max_cost = -1}', "max_cost=-1 is not a positive"),
    ('metadata = {use = "sqlite", memory = -1}', "memory=-1: give a number of bytes"),
]


@pytest.mark.parametrize(("line", "words"), LINES)
def test_what_a_backend_refuses_has_its_place(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "beautyspot.toml"
    file.write_text(f"\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        Spot("app", config=file, directory=tmp_path)
    assert f"(from: {file}): {words}" in str(caught.value)


def test_a_setting_of_another_library_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "beautyspot.toml").write_text('expire = "1 day"\n')
    with pytest.raises(ConfigError, match="there is no setting 'expire'. Did you mean 'ttl'"):
        Spot("app", config=tmp_path / "beautyspot.toml")
