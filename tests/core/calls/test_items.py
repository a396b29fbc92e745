"""Functions of a list, ``mark(each=)``: every item has a key and a result of its own."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.errors import (
    CacheMissError,
    ConfigError,
    ItemsError,
    MetadataError,
)
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import State
from hypothesis import given, settings
from hypothesis import strategies as st
from owned_clock import Clock
from scripted import scripted

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.ran, STATE.answer = [], None


def embed(texts: list[str], model: str = "small") -> list[str]:
    STATE.ran.append(texts)
    return [f"{model} {text}" for text in texts]


async def embed_later(texts: list[str], model: str = "small") -> list[str]:
    await asyncio.sleep(0)
    return embed(texts, model)


KINDS = ("sync", "async")


def marked(spot: Spot, kind: str, **options: Any) -> Callable[..., Any]:
    """`embed`, which is called in the same way whatever its kind is."""
    options = {"each": "texts", **options}
    if kind == "sync":
        return spot.mark(**options)(embed)
    later = spot.mark(**options)(embed_later)
    return lambda *args, **kwargs: asyncio.run(later(*args, **kwargs))


# ------------------------------------------------------------------------------- what is paid for


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_paid_for_once(spot: Spot, kind: str) -> None:
    function = marked(spot, kind)
    assert function(["a", "b"]) == ["small a", "small b"]
    assert function(["b", "c"]) == ["small b", "small c"]
    assert STATE.ran == [["a", "b"], ["c"]]
    stats = spot.stats()
    assert (stats["hits"], stats["misses"], stats["entries"]) == (1, 3, 3)


@settings(deadline=None)  # the first example imports
@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6), st.integers(1, 5))
def test_the_answer_is_in_the_order_asked_for(calls: list[list[int]], batch: int) -> None:
    from beautyspot.testing import memory_spot

    ran: list[list[int]] = []
    with memory_spot() as spot:

        @spot.mark(each="numbers", batch=batch, ignore=("ran",))
        def double(numbers: list[int]) -> list[int]:
            ran.append(numbers)
            return [2 * number for number in numbers]

        for numbers in calls:
            assert double(numbers) == [2 * number for number in numbers]
    sent = [number for numbers in ran for number in numbers]
    assert sorted(sent) == sorted({number for numbers in calls for number in numbers})
    assert all(0 < len(numbers) <= batch for numbers in ran)


@pytest.mark.parametrize("batch", [None, 1000])
def test_a_batch_is_a_thousand_items(spot: Spot, batch: int | None) -> None:
    ran: list[int] = []

    @spot.mark(each="numbers", batch=batch, ignore=("ran",))
    def double(numbers: list[int]) -> list[int]:
        ran.append(len(numbers))
        return [2 * number for number in numbers]

    assert double(list(range(1200))) == [2 * number for number in range(1200)]
    assert ran == [1000, 200]


def test_equal_items_are_sent_once_and_no_two_places_share_an_object(spot: Spot) -> None:
    @spot.mark(each="texts")
    def split(texts: list[str]) -> list[list[str]]:
        STATE.ran.append(texts)
        return [list(text) for text in texts]

    for _ in range(2):
        one, other, third = split(["ab", "c", "ab"])
        assert (one, other, third) == (["a", "b"], ["c"], ["a", "b"])
        assert one is not third
    assert STATE.ran == [["ab", "c"]]


# -------------------------------------------------------------------------------- where the list is


class Model:
    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, texts: list[str]) -> list[str]:
        return embed(texts, self.name)

    def __call__(self, texts: list[str]) -> list[str]:
        return embed(texts, self.name)


def in_the_midst(model: str, texts: list[str], /, *rest: int, size: int = 1, **more: int) -> Any:
    STATE.ran.append(texts)
    return [(model, text, rest, size, more) for text in texts]


def by_keyword(*, texts: list[str] = ["x", "y"]) -> list[str]:  # noqa: B006 - nobody changes it
    return embed(texts)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (in_the_midst, ("m", ["a"]), {}, [("m", "a", (), 1, {})]),
        (in_the_midst, ("m", ["a"], 1), {"size": 2, "z": 3}, [("m", "a", (1,), 2, {"z": 3})]),
        (functools.partial(in_the_midst, "m"), (["a"],), {}, [("m", "a", (), 1, {})]),
        (by_keyword, (), {"texts": ("a", "b")}, ["small a", "small b"]),
        (by_keyword, (), {}, ["small x", "small y"]),
        (embed, (), {"texts": ["a"], "model": "big"}, ["big a"]),
        (embed, (["a"], "big"), {}, ["big a"]),
        (Model("big").embed, (["a"],), {}, ["big a"]),
        (Model("big").embed, (), {"texts": ["a"]}, ["big a"]),
        (Model("big"), (["a"],), {}, ["big a"]),
        (Model.embed, (Model("big"), ["a"]), {}, ["big a"]),
    ],
)
def test_the_list_is_found_where_it_is_passed(
    spot: Spot, function: Any, args: Any, kwargs: Any, expected: list[Any]
) -> None:
    made = spot.mark(each="texts")(function)
    assert made(*args, **kwargs) == expected
    assert made(*args, **kwargs) == expected
    assert len(STATE.ran) == 1
    assert type(STATE.ran[0]) is list


def test_a_call_that_does_not_fit_is_refused(spot: Spot) -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'texts'"):
        marked(spot, "sync")()
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'modle'"):
        marked(spot, "async")(["a"], modle="big")


# ------------------------------------------------------------------------------ what is returned


def answer(texts: list[Any]) -> Any:
    STATE.ran.append(texts)
    return STATE.answer


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([1], "there came 1 results"),
        ([], "there came 0 results"),
        (iter([1, 2, 3]), "there came 3 results"),
        (None, "there came None, which is no list"),
        ("ab", "of the class str, which is no list"),
        ({"a": 1, "b": 2}, "of the class dict, which is no list"),
    ],
)
def test_an_answer_of_another_length_stores_nothing_and_says_both(
    spot: Spot, returned: Any, said: str
) -> None:
    function, STATE.answer = spot.mark(each="texts")(answer), returned
    with pytest.raises(ItemsError, match=said):
        function(["a", "b"])
    assert spot.peek(function, ["a"]) is spot.peek(function, ["b"]) is None
    assert (spot.stats()["misses"], spot.stats()["failures"]) == (2, 2)
    STATE.answer = (1, 2)
    assert function(["a", "b"]) == function(["a", "b"]) == [1, 2]
    assert len(STATE.ran) == 2


def refuse_all(texts: list[Any]) -> list[Any]:
    raise OSError(f"{len(texts)} items")


async def refuse_all_later(texts: list[Any]) -> list[Any]:
    return refuse_all(texts)


@pytest.mark.parametrize("kind", KINDS)
def test_runs_and_failures_count_items(make_spot: Callable[..., Spot], kind: str) -> None:
    """Those that were sent and have a key."""
    spot = make_spot()
    plain = spot.mark(each="texts", batch=4)(refuse_all)
    later = spot.mark(each="texts", batch=4)(refuse_all_later)
    for items in (range(3), [*range(3, 5), object()], range(10, 20)):
        with pytest.raises(OSError, match="items"):
            plain(items) if kind == "sync" else asyncio.run(later(items))
    assert (spot.stats()["misses"], spot.stats()["failures"]) == (3 + 2 + 4, 3 + 2 + 4)
    spot.flush()
    [counts] = spot.metadata.counts()
    assert (counts.runs, counts.failures) == (9, 9)


# ------------------------------------------------------------------------------------------ keys


def test_no_result_is_shared_with_a_mark_without_each(spot: Spot) -> None:
    plain, items = spot.mark(embed), spot.mark(each="texts")(embed)
    keys = {spot.key(plain, "a"), spot.key(plain, ["a"]), spot.key(items, ["a"])}
    assert len(keys) == 3
    other = spot.mark(each="model")(embed)
    assert spot.key(other, "a", ["a"]) != spot.key(items, ["a"], "a")  # type: ignore[arg-type]


def test_all_other_arguments_count(spot: Spot) -> None:
    function = marked(spot, "sync")
    function(["a"])
    function(["a", "b"], "big")
    assert function(["b"], model="big") == ["big b"]
    assert STATE.ran == [["a"], ["a", "b"]]


def test_an_item_without_a_key_is_sent_each_time(make_spot: Any, caplog: Any) -> None:
    spot = make_spot()

    @spot.mark(each="items", batch=2)
    def kinds(items: list[object]) -> list[str]:
        STATE.ran.append(len(items))
        return [type(item).__name__ for item in items]

    lock = iter(())
    for _ in range(2):
        assert kinds([1, lock, 2, lock]) == ["int", "tuple_iterator"] * 2
    assert STATE.ran == [2, 2, 2]
    assert spot.stats()["bypassed"] == 4
    STATE.answer = ["a", "b", "c"]
    assert spot.mark(each="texts")(answer)([1, lock, 2]) == ["a", "b", "c"]
    assert STATE.ran[-1] == [1, lock, 2], "in the order of the list"
    assert 'say with mark(key={"items": function}) what counts' in caplog.text
    assert "ignore=" not in caplog.text


@pytest.mark.parametrize("change", ["sort", "reverse", "clear"])
def test_a_function_that_changes_its_list_stores_nothing(
    spot: Spot, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    def lengths(texts: list[str]) -> list[int]:
        given = [*texts]
        getattr(texts, change)()
        return [len(text) for text in texts or given]

    function = spot.mark(each="texts")(lengths)
    plain = lengths(["bb", "a"])

    for _ in range(2):
        assert function(["bb", "a"]) == plain, "as without the mark"
    assert spot.peek(function, ["a"]) is None
    assert "Work on a copy: `texts = list(texts)`" in caplog.text
    assert spot.stats()["changed"] == 4


# --------------------------------------------------------------------------- questions and modes


def test_a_question_is_about_one_item(spot: Spot) -> None:
    function = spot.mark(each="texts")(embed)
    function(["a", "b"])
    stored = spot.peek(function, ["a"])
    assert stored is not None
    assert (stored.value, stored.key) == ("small a", spot.key(function, iter("a")))  # type: ignore[arg-type]
    assert spot.explain(function, ["b"]).hit
    assert not spot.explain(function, ["c"]).hit
    for ask in (spot.key, spot.peek, spot.explain):
        with pytest.raises(ConfigError, match="give a list of one item, not of 2"):
            ask(function, ["a", "b"])
        with pytest.raises(ConfigError, match="give a list of one item, not of 0"):
            ask(function, [])
    assert spot.refresh(function, []) == []
    assert not spot.invalidate(function, [])
    assert len(STATE.ran) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_several_items_are_invalidated_or_refreshed(spot: Spot, kind: str) -> None:
    plain = spot.mark(each="texts")(embed if kind == "sync" else embed_later)
    function = marked(spot, kind)
    function(["a", "b", "c"])
    assert spot.invalidate(plain, iter(["x", "a"]))  # type: ignore[arg-type]
    assert not spot.invalidate(plain, ["a"])
    refreshed: Any = spot.refresh(plain, iter(["b", "d"]))  # type: ignore[arg-type]
    if kind == "async":
        refreshed = asyncio.run(refreshed)
    assert refreshed == ["small b", "small d"]
    function(["a", "b", "c", "d"])
    assert STATE.ran == [["a", "b", "c"], ["b", "d"], ["a"]]


@pytest.mark.parametrize("kind", KINDS)
def test_replay_says_how_many_items_lack_a_result(spot: Spot, kind: str) -> None:
    marked(spot, kind)(["a", "b"])
    replayed = marked(spot, kind, mode="replay")
    assert replayed(["b", "a"]) == ["small b", "small a"]
    with pytest.raises(CacheMissError, match="nothing is stored for 2 of 3 items"):
        replayed(["a", "x", "y"])
    assert len(STATE.ran) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_is_about_each_item(spot: Spot, kind: str) -> None:
    spot._engine.cache.store.clock = clock = Clock()
    function = marked(spot, kind)
    with spot.using(mode="readonly"):
        assert function(["a"]) == ["small a"]
    assert spot.stats()["entries"] == 0
    function(["a"])
    clock.now += 100
    with spot.using(max_age=50):
        function(["b", "a"]), function(["a", "b"])
    assert STATE.ran == [["a"], ["a"], ["b", "a"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spot_that_is_off_runs_all_a_batch_at_a_time(make_spot: Any, kind: str) -> None:
    spot = make_spot(strict=True)
    function = marked(spot, kind, batch=2)
    with spot.disabled():
        assert function(["a", "a", "b"]) == ["small a", "small a", "small b"]
        assert function([]) == []
    assert STATE.ran == [["a", "a"], ["b"]]
    assert spot.stats()["bypassed"] == 3
    spot.shutdown()
    assert function(["a"]) == ["small a"]


# -------------------------------------------------------------------------- of each item's result


@pytest.mark.parametrize("save", ["sync", "background"])
def test_options_are_about_one_item(make_spot: Any, save: str) -> None:
    spot = make_spot(strict=True, save=save)

    @spot.mark(
        each="texts",
        cache_if=lambda text: text != "b",
        tags=lambda text, texts: (f"{text} {texts}",),
        ttl=lambda text, texts: 0 if text == "c" else "1d",
        price=len,
    )
    def ask(texts: list[str]) -> list[str]:
        STATE.ran.append(texts)
        return texts

    ask(["a", "b", "c", "d"])
    spot.flush()
    ask(["a", "b", "c"])
    assert STATE.ran == [["a", "b", "c", "d"], ["b", "c"]]
    spot.flush()
    rows = {record.tags: record.price for record in spot.metadata.all_rows()}
    assert rows == {("a a",): 1.0, ("c c",): 1.0, ("d d",): 1.0}
    stats = spot.stats()
    assert (stats["money_spent"], stats["money_saved"]) == (6.0, 1.0)
    assert spot.invalidate_all(tag="d d") == 1


def test_a_result_without_a_stored_form_is_returned(make_spot: Any, caplog: Any) -> None:
    @make_spot().mark(each="texts")
    def locks(texts: list[str]) -> list[Any]:
        STATE.ran.append(texts)
        return [asyncio.Lock() if text == "lock" else text for text in texts]

    for _ in range(2):
        first, lock, again = locks(["a", "lock", "lock"])
        assert first == "a"
        assert lock is again, "there is no copy of it"
    assert STATE.ran == [["a", "lock"], ["lock"]]
    assert "could not store" in caplog.text


# ------------------------------------------------------------------------------------ and so on


@pytest.mark.parametrize("answer", [MetadataError("unplugged"), None, [b"x"]])
def test_a_store_that_fails_costs_no_result(make_spot: Any, answer: Any, caplog: Any) -> None:
    how = "fail" if isinstance(answer, Exception) else "answer"
    script = {how: dict.fromkeys(("find_many", "put"), answer)}
    store = scripted(MemoryMetadataStore, **script)
    function = make_spot(metadata=store).mark(each="texts")(embed)
    for _ in range(2):
        assert function(["a", "b"]) == ["small a", "small b"]
    assert "could not look up" in caplog.text
