"""Mistakes in using the library: told early, with where they stand and what to do."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import BackendNotFound, ConfigError
from beautyspot.functions.names import identifier_of
from beautyspot.inspecting.opening import open_store
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TWO = [
    {"name": "requests", "use": "gcra", "rate": "60/min"},
    {"name": "tokens", "use": "gcra", "rate": "6/min", "max_cost": 3},
]


def double(x: int) -> int:
    """A function to mark."""
    return 2 * x


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "MemoryError: there is not enough memory: give the process more"),
        (KeyError(), "could not save the result for f: KeyError. The function"),
        (OSError("gone"), "OSError: gone. The function"),
    ],
)
def test_an_error_is_told_by_what_it_says(error: Exception, words: str) -> None:
    trouble = Trouble("app", "save the result", "f", error, "The function runs")
    assert words in str(trouble)


# ------------------------------------------------------------------------------ what is marked


def test_a_stale_result_needs_a_ttl(make_spot: Callable[..., Spot]) -> None:
    """Without one no result ever expires, and the option does nothing."""
    with pytest.raises(ConfigError, match=r"double: .*: give mark\(ttl=\), or a ttl of the Spot"):
        make_spot().mark(stale_on_error=True)(double)
    make_spot().mark(stale_on_error=True, ttl="1h")(double)
    make_spot(ttl=5).mark(stale_on_error=True)(double)


def test_a_method_of_the_class_in_place_of_a_spots() -> None:
    for decorator in (Spot.mark, Spot.limiter):
        with pytest.raises(ConfigError, match=rf"make one, .* write @spot.{decorator.__name__}$"):
            decorator(double)  # type: ignore[arg-type]


def test_a_class_is_no_function(spot: Spot) -> None:
    """A function in its place would break `isinstance`, subclasses, and its class methods."""
    words = "Point is a class, .* write @spot.mark above a function that makes it"
    with pytest.raises(ConfigError, match=words) as mistake:

        @spot.mark
        class Point:
            pass

    assert "or above a method of it, such as __call__" in str(mistake.value)
    with pytest.raises(ConfigError, match="int is a class"):
        spot.mark(version=1)(int)
    assert list(spot.map(int, ["1", "2"])) == [1, 2]  # nothing stands in its place
    assert spot.cached_run(int, "3") == 3


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that forgot `functools.wraps`."""

    def also(*args: Any) -> Any:
        return args

    def inner(*args: Any) -> Any:
        return also(function(*args))

    return inner


def bare_of(level: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        async def later(x: int) -> Any:
            return function(x), level

        return later

    return decorated


def triple(x: int) -> int:
    return 3 * x


def test_functions_beneath_a_decorator_without_wraps_share_its_name(
    spot: Spot, caplog: Any
) -> None:
    here = f"{__name__}:"
    for decorator, name in (
        (bare, "bare.<locals>.inner"),
        (bare_of(1), "decorated.<locals>.later"),
    ):
        spot.mark(decorator(double))
        spot.mark(version=2)(decorator(double))  # the same one
        assert not caplog.records
        for _ in range(2):  # told once
            spot.mark(decorator(triple))
            (record,) = caplog.records
            text = record.getMessage()
            assert f"{here}double and {here}triple" in text
            assert f"{name} is the name of both" in text
            assert "functools.wraps" in text
        caplog.clear()


def test_functions_that_share_a_name_on_purpose_are_not_told(spot: Spot, caplog: Any) -> None:
    """A function that another one makes, and marks, may well capture functions."""

    def asking(model: Callable[..., Any]) -> Callable[..., Any]:
        @spot.mark
        def ask(x: int) -> Any:
            return model(x)

        return ask

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(x: int) -> Any:
            return function(x)

        return wrapper

    def numbered(number: int) -> Callable[..., Any]:
        def ask(x: int) -> int:
            return x + number

        return ask

    for function in (double, triple):
        asking(function)
        spot.mark(wrapped(function))
        spot.mark(name=function.__name__)(bare(function))
        spot.mark(numbered(function(1)))
        spot.cached_run(bare(function), 1)
    assert not caplog.records


def test_none_is_for_ever_whatever_the_ttl_of_the_spot(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot(ttl="1h")
    for ttl, expires in (("none", False), ("None", False), (None, True), ("2h", True)):
        assert spot.mark(ttl=ttl, name=repr(ttl))(double)(3) == 6
        (record,) = spot.metadata.scan(func_identifier=repr(ttl))
        assert (record.expires_at is not None) is expires
    with pytest.raises(ConfigError, match=r"stale_on_error.*without a ttl"):
        spot.mark(ttl="none", stale_on_error=True)(double)
    with pytest.raises(ConfigError, match='or "none" for ever'):
        spot.mark(ttl=float("inf"))
    monkeypatch.setenv("BEAUTYSPOT_TTL", "none")
    assert make_spot().config["ttl"] is None
    assert make_spot(ttl="none").config["ttl"] is None


@pytest.mark.parametrize("folder", ["/some/path", "./blobs", "C:\\blobs"])
def test_a_folder_is_no_storage(make_spot: Callable[..., Spot], folder: str) -> None:
    with pytest.raises(BackendNotFound) as mistake:
        make_spot(storage=folder)
    assert f'storage={{"use": "local", "base_dir": {folder!r}}}' in str(mistake.value)


# ------------------------------------------------------------------------------ what is limited


def test_a_cost_that_is_never_granted(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter="60/min")
    with pytest.raises(ConfigError, match=r"limiter\(cost=61\) .* above max_cost=60, .* raise"):
        spot.limiter(cost=61)
    spot.limiter(cost=60)
    with pytest.raises(ConfigError, match="above max_cost=60"):
        spot.limit(cost=61)


def test_a_cost_that_one_of_several_limits_never_grants(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter=TWO)
    with pytest.raises(ConfigError, match="4 is above max_cost=3"):
        spot.limiter(cost={"requests": 1, "tokens": 4})
    spot.limiter(cost={"requests": 60, "tokens": lambda x: x})


class Stranger(LimiterBase):
    name = "stranger"

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        return Reservation(0.0, cost)

    def release(self, reservation: Reservation) -> None:
        pass


# ------------------------------------------------------------------- what a setting selects


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('limiter = "10"', "rate='10' is no rate: write"),
        ('limiter = ".5/s"', "rate='.5/s' is no rate: write"),
        ('limiter = "600 per minute"', "rate='600 per minute' is no rate: write"),
        ('limiter = "600/mni"', "rate='600/mni' is no rate: write"),
        ('limiter = {use = "gcra", rate = "6/s", max_cost = -1}', "max_cost=-1 is not a positive"),
        ('metadata = {use = "sqlite", memory = -1}', "memory=-1: give a number of bytes"),
        ('keygen = {use = "stable", digest = "md6"}', "there is no key digest 'md6': use one of"),
    ],
)
def test_what_a_backend_refuses_has_its_place(tmp_path: Path, line: str, what: str) -> None:
    file = tmp_path / "beautyspot.toml"
    file.write_text(f"\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        Spot("app", config=file, directory=tmp_path)
    place = rf"(from: {file}): {what}"
    assert place in str(caught.value)


def test_which_of_several_limits_is_refused(tmp_path: Path) -> None:
    limits = [
        {"name": "a", "rate": "6/min", "use": "gcra"},
        {"name": "b", "rate": 0, "use": "gcra"},
    ]
    with pytest.raises(ConfigError) as caught:
        Spot("app", limiter=limits, config=False, directory=tmp_path)
    place = "the limiter 'gcra' (from: argument, the limit 'b'): rate=0 is no rate"
    assert str(caught.value).startswith(place)


def test_limits_that_can_not_be_kept_together_have_their_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(from: argument\).*no reserve_after"):
        Spot("app", directory=tmp_path, limiter=[{"name": "a", "use": Stranger()}])


@pytest.mark.parametrize(
    ("table", "example"),
    [
        ({"metadata": {"memory": 3}}, '{"use": "sqlite", ...}'),
        ({"limiter": {"burst": 6}}, '{"use": "gcra", ...}'),
        ({"storage": {}}, '{"use": "local", ...}'),
    ],
)
def test_a_table_without_use(tmp_path: Path, table: Any, example: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Spot("app", directory=tmp_path, **table)
    assert f'add "use" with a name or a URL, such as {example}' in str(caught.value)


@pytest.mark.parametrize(
    ("point", "name", "meant"),
    [
        ("metadata", "SQLite", "sqlite"),
        ("storage", "Local", "local"),
        ("keygen", "STABLE", "stable"),
    ],
)
def test_a_name_in_another_case(tmp_path: Path, point: str, name: str, meant: str) -> None:
    with pytest.raises(BackendNotFound) as caught:
        Spot("app", directory=tmp_path, **{point: name})
    assert f"Did you mean '{meant}'?" in str(caught.value)
    assert "no backend's name" not in str(caught.value)
    assert "look for a distribution" not in str(caught.value)


# ------------------------------------------------------------------------------ what is misspelt


@pytest.mark.parametrize(
    ("method", "option", "meant"),
    [
        ("limiter", "cots", "cost"),
        ("limit", "time_out", "timeout"),
        ("prune", "maxsize", "max_size"),
        ("collect", "grave", "grace"),
        ("invalidate_all", "tags", "tag"),
        ("mark", "verison", "version"),
    ],
)
def test_a_misspelt_keyword(spot: Spot, method: str, option: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        getattr(spot, method)(**{option: "x"})
    told = f"{method} takes no option {option!r}. Did you mean {meant!r}? There are: "
    assert str(caught.value).startswith(told)
    assert "self" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "option", "meant"),
    [
        ("mark", "expire", "ttl"),
        ("mark", "timeout", "ttl"),
        ("map", "workers", "concurrency"),
        ("map", "n_jobs", "concurrency"),
        ("mark", "mmap_mode", "mmap"),
        ("prune", "bytes_limit", "max_size"),
        ("prune", "items_limit", "max_entries"),
        ("prune", "age_limit", "unused_for"),
        ("limiter", "concurrency", "max_concurrent"),
        ("count", "workers", None),  # there is none that it might mean
    ],
)
def test_a_keyword_of_another_library(
    spot: Spot, method: str, option: str, meant: str | None
) -> None:
    arguments = (double, [1]) if method in {"map", "count"} else ()
    with pytest.raises(ConfigError) as caught:
        getattr(spot, method)(*arguments, **{option: 4})
    told = f"{method} takes no option {option!r}."
    told += f" Did you mean {meant!r}? There are: " if meant else " There are: "
    assert str(caught.value).startswith(told)


def test_a_setting_of_another_library(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'directory'"):
        Spot("app", cache_dir="x")  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="Did you mean 'observers'"):
        Spot("app", verbose=0)  # type: ignore[call-arg]
    with pytest.raises(
        ConfigError, match=r"'mmap_mode'. Each function has it: mark\(mmap=True\). There"
    ):
        Spot("app", mmap_mode="r")  # type: ignore[call-arg]
    (tmp_path / "beautyspot.toml").write_text('expire = "1 day"\n')
    with pytest.raises(ConfigError, match="there is no setting 'expire'. Did you mean 'ttl'"):
        Spot("app", config=tmp_path / "beautyspot.toml")


def test_a_misspelt_keyword_beside_what_is_positional(spot: Spot) -> None:
    with pytest.raises(ConfigError, match="Spot takes no option 'storge'. Did you mean 'storage'"):
        Spot("app", storge="local")  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match=r"register .* There are: cls, decode, encode, name$"):
        spot.register(Spot, encoder=id)  # type: ignore[call-arg]


def test_pruning_a_part_is_sent_to_the_store(spot: Spot) -> None:
    with pytest.raises(ConfigError, match=r"'function'.*open_store\(spot\).prune\(function=…\)$"):
        spot.prune(function="app:f")  # type: ignore[call-arg]
    with open_store(spot) as store:
        assert store.prune(function="app:f", max_entries=1).entries == 0


def test_a_keyword_that_is_missing_is_pythons_to_tell() -> None:
    with pytest.raises(TypeError, match="'name'"):
        Spot()  # type: ignore[call-arg]


@pytest.mark.parametrize("option", ["ignore", "tags"])
def test_one_name_that_should_be_a_list(spot: Spot, option: str) -> None:
    with pytest.raises(ConfigError, match=rf"mark\({option}='x'\) .*comma: {option}=\(\"x\",\)$"):
        spot.mark(**{option: "x"})(double)


# -------------------------------------------------- functions that do not take a call's arguments


def test_a_cost_or_key_that_does_not_take_the_call_is_named(make_spot: Any) -> None:
    spot = make_spot(limiter="6000/min")

    def ask(prompt: str, *, language: str = "en") -> str:
        return prompt

    for option in ("cost", "key"):
        limited = spot.limiter(**{option: lambda prompt: 1 if option == "cost" else "x"})(ask)
        with pytest.raises(TypeError, match="unexpected keyword argument") as mistake:
            limited("hello", language="fr")
        (note,) = mistake.value.__notes__
        assert note.startswith(f"Raised by the function given as limiter({option}=) of ")
        assert f"{identifier_of(ask)}. It is called with the arguments of the call: give" in note


def test_an_error_that_is_raised_again_has_one_note(make_spot: Any) -> None:
    error = KeyError("no such model")

    def cost(_: str) -> float:
        raise error

    limited = make_spot(limiter="6000/min").limiter(cost=cost)(len)
    for _ in range(3):
        with pytest.raises(KeyError):
            limited("hello")
    assert len(error.__notes__) == 1


def test_a_settle_that_fails_names_its_function(make_spot: Any, troubles: list[Any]) -> None:
    def ask(prompt: str) -> str:
        return prompt

    spot = make_spot(limiter="6000/min", on_error=troubles.append)
    assert spot.limiter(settle=lambda: 1.0)(ask)("hello") == "hello"
    (trouble,) = troubles
    assert trouble.function == identifier_of(ask)
    assert "mend the function given as settle=" in str(trouble)


@pytest.mark.parametrize("key", [lambda prompt: prompt, {"prompt": lambda: "x"}])
def test_a_key_that_does_not_take_the_call_is_named(
    make_spot: Any, troubles: list[Any], key: Any
) -> None:
    def ask(prompt: str, *, language: str = "en") -> str:
        return prompt

    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(key=key)(ask)
    assert marked("hello", language="fr") == "hello"
    (trouble,) = troubles
    assert trouble.function == identifier_of(ask)
    assert trouble.advice == "The call runs uncached: mend the function given as key="
    with pytest.raises(TypeError) as mistake:
        spot.key(marked, "hello", language="fr")
    notes = getattr(mistake.value, "__notes__", [])
    assert all(f"mark(key=) of {identifier_of(ask)}" in note for note in notes)
    assert len(notes) == callable(key)


# --------------------------------------------- functions that get the arguments of another one


class Methods:
    def ask(self, prompt: str, *, n: int = 1) -> str:
        return prompt * n


def any_of(*prompts: str, **options: object) -> str:
    return "".join(prompts)


@pytest.mark.parametrize(
    ("function", "given", "takes"),
    [
        (double, lambda: 1, r"it takes \(\), and the function \(x\)"),
        (double, lambda x, y: 1, r"it takes \(x, y\)"),
        (double, lambda *, y: 1, r"it takes \(y\)"),
        (
            Methods.ask,
            lambda prompt: 1,
            r"it takes \(prompt\), and the function \(self, prompt, n\)",
        ),
        (Methods().ask, lambda self, prompt, n: 1, r"and the function \(prompt, n\)"),
    ],
)
def test_a_cost_or_key_that_fits_no_call_is_an_error_where_it_stands(
    make_spot: Callable[..., Spot], function: Any, given: Any, takes: str
) -> None:
    spot = make_spot(limiter="600/min")
    for option, decorator in (
        ("limiter(cost=)", spot.limiter(cost=given)),
        ("limiter(key=)", spot.limiter(key=given)),
        ("mark(key=)", spot.mark(key=given)),
    ):
        with pytest.raises(ConfigError, match=takes) as caught:
            decorator(function)
        assert str(caught.value).startswith(f"{option} does not fit")


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (double, lambda x: "1"),
        (double, lambda x, y=2: "1"),
        (double, lambda *args: "1"),
        (double, lambda *, x: "1"),
        (double, lambda y: "1"),
        (Methods.ask, lambda self, prompt, **options: "1"),
        (Methods.ask, lambda self, prompt: "1"),
        (Methods().ask, lambda prompt, n=1: "1"),
        (any_of, lambda prompt: "1"),
        (max, lambda one, other: "1"),
    ],
)
def test_a_cost_or_key_that_fits_some_call_is_taken(
    make_spot: Callable[..., Spot], function: Any, given: Any
) -> None:
    spot = make_spot(limiter="600/min")
    spot.limiter(cost=given)(function)
    spot.limiter(key=given)(function)
    spot.mark(key=given)(function)
