"""A large array stays in the buffer that its blob was read into: it is not copied once more.

Wherever other code has the bytes, or may get them, the array is a copy: two callers that share
writable memory would get wrong values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import numpy as np
import pytest
from beautyspot.memory import MemoryStorage
from beautyspot.results import local_files, writer
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, followers, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SIZE = 2**17  # bytes: a segment of the document, twice over
GATE = Gate()


def make(number: int) -> Any:
    return np.full(SIZE // 8, float(number))


def stays(array: Any) -> bool:
    """Whether it lies in what was read."""
    return not array.flags.owndata


@pytest.fixture(params=["NumPy's", "huge pages"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file is read into that may be written to."""
    if request.param == "huge pages":
        monkeypatch.setattr(local_files, "FRESH", 0)


@pytest.fixture
def marked(spot: Spot) -> Callable[[int], Any]:
    return spot.mark(save_blob=True)(make)


@pytest.mark.usefixtures("memory")
def test_a_hit_stays_where_it_was_read_and_can_be_changed(marked: Any) -> None:
    marked(1)
    hit = marked(1)
    assert stays(hit)
    assert hit.flags.writeable
    assert hit.flags.aligned
    assert hit.flags.c_contiguous
    hit[0] = 7
    hit.setflags(write=False)
    hit.setflags(write=True)
    assert (hit[0], hit[1], len(hit)) == (7, 1, SIZE // 8)


@pytest.mark.usefixtures("memory")
def test_two_hits_share_nothing(marked: Any) -> None:
    marked(1)
    first, second = marked(1), marked(1)
    assert not np.shares_memory(first, second)
    first[:] = 7
    assert (second == 1).all()
    assert (marked(1) == 1).all()


def test_without_numpy(spot: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    marked = spot.mark(save_blob=True)(lambda number: ["x" * SIZE, number])
    assert marked(1) == marked(1) == ["x" * SIZE, 1]


def test_a_hit_shares_nothing_with_a_storage_that_keeps_its_blobs_in_memory(
    make_spot: Callable[..., Spot],
) -> None:
    storage = MemoryStorage()
    marked = make_spot(strict=True, storage=storage).mark(save_blob=True)(make)
    marked(1)
    [blob] = [storage.load(info.location) for info in storage.list()]
    before = bytearray(blob)
    marked(1)[:] = 7
    assert blob == before
    assert (marked(1) == 1).all()


def gated(number: int) -> Any:
    GATE.pass_through()
    return make(number)


def test_followers_share_nothing(spot: Spot) -> None:
    """The bytes of one flight are those of all its followers, and a `bytearray`."""
    marked = spot.mark(save_blob=True)(gated)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(marked, 1) for _ in range(4)]
        until(lambda: followers(spot) == 3, unless=futures)
        GATE.open.set()
        arrays = [future.result(DEADLINE) for future in futures]
    for array in arrays:
        assert array.flags.writeable
        assert (array == 1).all()
        array[:] = 7
    assert (marked(1) == 1).all()


def test_what_waits_to_be_stored_is_not_lent(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", DEADLINE)
    spot = make_spot(strict=True, save="background")
    marked = spot.mark(save_blob=True)(make)
    marked(1)
    first, second = marked(1), marked(1)
    assert (first.flags.writeable, first.flags.owndata) == (True, True)
    first[:] = 7
    spot.flush()
    assert (second == 1).all()
    assert (marked(1) == 1).all()


# --------------------------------------------------------------------------------- any array

NUMBERS = count()
DTYPES = ["<i4", ">f8", "u1", "?", "<c16", "S3", "<U2", "<M8[ms]", [("a", "<i2"), ("b", ">f8")]]


def of_number(number: int, spec: Any) -> Any:
    del number
    return array_of(*spec)


def array_of(dtype: Any, shape: tuple[int, ...], order: str, step: int, seed: int) -> Any:
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.random.default_rng(seed).integers(0, 2, size, "u1").tobytes()
    array = np.frombuffer(raw, dtype).reshape(shape).copy(order)  # type: ignore[call-overload]  # a str
    return array[::step]


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 60), min_size=1, max_size=3).map(tuple),
    order=st.sampled_from("CF"),
    step=st.sampled_from([1, 2, -1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_array_comes_back_by_a_file(
    spot: Spot, dtype: Any, shape: Any, order: str, step: int, seed: int
) -> None:
    marked = spot.mark(save_blob=True, key=lambda number, spec: str(number))(of_number)
    spec, number = (dtype, shape, order, step, seed), next(NUMBERS)
    made, hit, again = (marked(number, spec) for _ in range(3))
    assert hit.dtype == made.dtype
    assert hit.shape == made.shape
    assert hit.tobytes() == made.tobytes()
    if made.flags.forc and made.ndim > 1 and made.size:
        assert hit.flags.c_contiguous == made.flags.c_contiguous
        assert hit.flags.f_contiguous == made.flags.f_contiguous
    assert hit.flags.writeable
    assert hit.flags.aligned
    assert not np.shares_memory(hit, again)
