"""`mark(mmap=True)`: a hit of a large array is its file, mapped copy-on-write and checked once."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beautyspot import ConfigError
from beautyspot.memory import MemoryStorage
from beautyspot.spot import Spot

SIZE = 2**18  # bytes: over the threshold
RAN: list[int] = []  # global, since what is captured counts as input


@pytest.fixture(autouse=True)
def ran() -> list[int]:
    RAN.clear()
    return RAN


def make(number: int) -> Any:
    RAN.append(number)
    return np.full(SIZE // 8, float(number))


def is_mapped(array: Any) -> bool:
    return isinstance(array.base, mmap.mmap)


def file_of(spot: Spot, marked: Any, *args: Any) -> Path:
    found = spot.peek(marked, *args)
    assert found is not None
    return Path(str(found.location))


@pytest.fixture
def marked(spot: Spot) -> Callable[[int], Any]:
    return spot.mark(mmap=True)(make)


def test_a_hit_is_the_file_and_can_be_changed(spot: Spot, marked: Any) -> None:
    assert not is_mapped(marked(1))
    before = file_of(spot, marked, 1).read_bytes()
    hit = marked(1)
    assert is_mapped(hit)
    assert hit.flags.writeable
    assert hit.flags.aligned
    assert (hit == 1).all()
    hit[:] = 7
    again = marked(1)
    assert is_mapped(again)
    assert (again == 1).all()
    assert not np.shares_memory(hit, again)
    assert file_of(spot, marked, 1).read_bytes() == before
    assert RAN == [1]


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is mapped")
def test_it_outlives_its_result(spot: Spot, marked: Any) -> None:
    marked(1)
    path, hit = file_of(spot, marked, 1), marked(1)
    spot.invalidate(marked, 1)
    assert not path.exists()
    assert (hit == 1).all()


# ------------------------------------------------------------------- what can't be mapped


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="a map needs no open file")
def test_beyond_half_of_the_files_a_process_may_open_they_are_read(
    marked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked(1)
    assert is_mapped(marked(1))
    monkeypatch.setattr("resource.getrlimit", lambda _: (2, 2))
    assert not is_mapped(marked(1))
    assert (marked(1) == 1).all()
    assert RAN == [1]


@pytest.mark.parametrize("value", [b"x" * SIZE, "x" * SIZE, [1.5] * SIZE, np.ones(3), {"a": 1}])
def test_other_results_are_as_without(spot: Spot, value: Any) -> None:
    marked = spot.mark(mmap=True, ignore=("value",))(lambda value: value)
    marked(value)
    hit = marked(value)
    assert type(hit) is type(value)
    assert np.array_equal(hit, value) if isinstance(value, np.ndarray) else hit == value


class Elsewhere(MemoryStorage):
    """A storage of another machine."""

    name = "elsewhere"
    blocking = True


def test_a_storage_elsewhere_is_refused(make_spot: Callable[..., Spot]) -> None:
    with pytest.raises(ConfigError, match=r"mmap=True.*disk of this machine.*Leave mmap= out"):
        make_spot(storage=Elsewhere()).mark(mmap=True)


def test_signed_results_are_refused(make_spot: Callable[..., Spot]) -> None:
    with pytest.raises(ConfigError, match=r"mmap=True.*signing_key.*Leave mmap= out.*another Spot"):
        make_spot(signing_key="a-signing-key-0123456789").mark(mmap=True)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"save_blob": False}, "leave save_blob=False out"),
        ({"content_type": "image/png"}, "leave content_type= out"),
    ],
)
def test_options_that_leave_nothing_to_map(
    spot: Spot, options: dict[str, Any], advice: str
) -> None:
    with pytest.raises(ConfigError, match=rf"mmap=True.*does not fit.*{advice}"):
        spot.mark(mmap=True, **options)(make)


def test_compression_of_the_spot_is_refused(make_spot: Callable[..., Spot]) -> None:
    pytest.importorskip("backports.zstd")
    spot = make_spot(compress="zstd")
    with pytest.raises(ConfigError, match=r"mmap=True.*give mark\(compress=False\) too"):
        spot.mark(mmap=True)(make)
    marked = spot.mark(mmap=True, compress=False)(make)
    marked(1)
    assert is_mapped(marked(1))


def test_a_generator_is_refused(spot: Spot) -> None:
    def items(number: int) -> Any:
        yield make(number)

    with pytest.raises(ConfigError, match=r"mmap=True.*it is a generator.*leave it out"):
        spot.mark(mmap=True)(items)
