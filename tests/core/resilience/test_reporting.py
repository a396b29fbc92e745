"""What is said of a failure reaches nobody who did not ask: neither his frames nor his calls."""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.logs import logger

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


# ------------------------------------------------------------------------ whose frames are whose


class Rows:
    """A generator that goes on after an error, which whoever reads from it handles."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[int]:
        for number in range(4):
            try:
                if number == 1:
                    raise self.kind("a bad row")
            except self.kind as error:
                self.error = error
            yield number

    def read(self, fall_back: Callable[[int], object]) -> list[int]:
        found = []
        for number in self:
            found.append(number)
            error, self.error = self.error, None
            if error is not None:
                try:
                    raise error
                except self.kind:
                    fall_back(number)
        return found


@pytest.mark.parametrize("kind", [ValueError, MetadataError])
def test_what_the_user_is_handling_stays_whole(
    make_spot: Callable[..., Spot], troubles: list[Trouble], kind: type[Exception]
) -> None:
    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(double)
    assert marked(0) == 0
    break_place(spot)
    assert Rows(kind).read(marked) == [0, 1, 2, 3]
    assert troubles


def test_a_task_whose_error_another_one_handles_goes_on(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(double)
    assert marked(0) == 0
    break_place(spot)

    async def main() -> list[Any]:
        shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def producer() -> str:
            try:
                raise ValueError("flaky")
            except ValueError as error:
                shared.set_exception(error)
            await asyncio.sleep(0)
            return "finished"

        async def consumer() -> int:
            try:
                await shared
            except ValueError:
                return marked(1)
            raise AssertionError

        second = asyncio.ensure_future(consumer())
        first = asyncio.ensure_future(producer())
        return await asyncio.wait_for(asyncio.gather(first, second), 30)

    assert asyncio.run(main()) == ["finished", 2]


def test_a_function_of_the_user_between_ours_keeps_its_frame(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    rows = Rows(MetadataError)

    def key(x: int) -> str:
        if rows.error is not None:
            raise rows.error
        return str(x)

    marked = make_spot(on_error=troubles.append).mark(key=key)(double)
    reading = iter(rows)
    assert [next(reading), next(reading)] == [0, 1]
    assert marked(1) == 2
    assert [type(trouble.error) for trouble in troubles] == [MetadataError]
    assert [*reading] == [2, 3]


# ---------------------------------------------------------------------------- whose log is whose


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
