"""A log or an `on_error` that fails costs no result."""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING

import pytest
from beautyspot.errors import MetadataError
from beautyspot.logs import logger
from beautyspot.resilience.circuit_breaker import MetadataResting
from beautyspot.resilience.reporting import OPENING, Reporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

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


def test_a_log_that_raises_is_left_in_peace_where_nobody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler = BadHandler()
    logging.getLogger().addHandler(handler)
    try:
        closed = open("/dev/null", "w")  # noqa: PTH123, SIM115 - closed at once
        closed.close()
        monkeypatch.setattr("sys.stderr", closed)
        logger.warning("nobody reads this")
    finally:
        logging.getLogger().removeHandler(handler)


def test_an_interrupt_while_logging_goes_through() -> None:
    class Stopped(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise KeyboardInterrupt

    handler = Stopped()
    logging.getLogger("beautyspot").addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            logger.warning("stopped")
    finally:
        logging.getLogger("beautyspot").removeHandler(handler)


def test_a_record_names_the_line_that_logs(caplog: pytest.LogCaptureFixture) -> None:
    logger.warning("from here")
    try:
        raise ValueError("a cause")
    except ValueError:
        logger.exception("and from %s", "here")
    first, second = caplog.records
    assert (first.module, first.funcName) == (
        "test_reporting",
        "test_a_record_names_the_line_that_logs",
    )
    assert second.module == "test_reporting"
    assert "a cause" in caplog.text


def test_that_an_operation_rests_is_no_news_where_its_failure_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rests = MetadataResting("look-ups wait for the server")
    rests.is_news = True
    reporter = Reporter("app")
    reporter.report("look up", "f", rests, "It runs instead")
    reporter.report("look up", "f", MetadataError("the server gave no answer"), "It runs instead")
    reporter.report("look up", "f", rests, "It runs instead")
    assert len(caplog.records) == 2, "a failure is news, whatever was said before"
    reporter.report("save", "f", MetadataError("the server gave no answer"), "It waits")
    reporter.report("save", "f", MetadataResting("saves wait for the server"), "It waits")
    another = MetadataResting("saves wait for the server")
    another.is_news = True
    reporter.report("save", "f", another, "It waits")
    assert len(caplog.records) == 3
    assert reporter.counts == {"look up": 3, "save": 2}, "all are counted that happened"


def test_a_store_that_does_not_open_is_told_by_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One wrong key: that look-ups, leases and saves rest for it is no further news."""
    reporter, rests = Reporter("app"), MetadataResting("the store waits for the server")
    rests.is_news = True
    reporter.report(OPENING, "", MetadataError("correct the key"), "It is tried again")
    for operation in ("take a lease", "look up", "save the result"):
        reporter.report(operation, "f", rests, "It goes on")
    assert len(caplog.messages) == 1
    assert reporter.counts["look up"] == 1
