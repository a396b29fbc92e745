"""A log or an `on_error` that fails costs no result."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot


def double(x: int) -> int:
    return x * 2


def break_place(spot: Spot) -> None:
    """A plain file stands where the folder was."""
    folder = spot.db_path.parent
    shutil.rmtree(folder)
    folder.write_text("in the way")


class BadFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise KeyError("request_id")


class BadHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(28, "No space left on device")


@pytest.fixture(params=["filter", "handler", "logger's filter", "record"])
def bad_log(request: pytest.FixtureRequest) -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("beautyspot")
    handler = BadHandler() if request.param == "handler" else logging.StreamHandler()
    spoilt = BadFilter()
    factory = logging.getLogRecordFactory()
    if request.param == "filter":
        handler.addFilter(spoilt)
    elif request.param == "logger's filter":
        ours.addFilter(spoilt)
    elif request.param == "record":
        logging.setLogRecordFactory(spoilt.filter)  # type: ignore[arg-type]
    root.addHandler(handler)
    yield
    logging.setLogRecordFactory(factory)
    ours.removeFilter(spoilt)
    root.removeHandler(handler)


@pytest.mark.usefixtures("bad_log")
@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_log_that_raises_costs_no_result(
    make_spot: Callable[..., Spot], capsys: pytest.CaptureFixture[str], save: str
) -> None:
    def give(x: object) -> Iterator[object]:
        yield x

    async def later(x: int) -> int:
        return x * 2

    async def give_later(x: object) -> AsyncIterator[object]:
        yield x

    async def collect(x: object) -> list[object]:
        return [each async for each in spot.mark(give_later)(x)]

    def broken(trouble: Trouble) -> None:
        raise ValueError(trouble)

    spot = make_spot(save=save, on_error=broken)
    marked, unstable = spot.mark(double), object()
    assert marked(0) == 0
    assert spot.flush()
    break_place(spot)
    assert marked(1) == 2
    assert spot.mark(lambda x: x)(unstable) is unstable
    assert list(spot.mark(give)(unstable)) == [unstable]
    assert asyncio.run(spot.mark(later)(3)) == 6
    assert asyncio.run(collect(unstable)) == [unstable]
    assert not spot.flush()
    spot.shutdown()
    assert marked(4) == 8
    printed = capsys.readouterr().err
    assert "could not" in printed, "what was to be said is shown where handlers show such a failure"
