"""A pytest plugin for runs without one of the defences; see `defending.py`.

It selects tests by patterns, gives each a time-out (with its defence out many a test would hang),
writes every outcome down at once, and ends without waiting for threads that hang.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
from os import getpid, write  # as they are: tests replace those of the module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from defending import CONTROL, ORDERS, claims

if TYPE_CHECKING:
    from collections.abc import Iterator


class HungError(BaseException):
    """No `Exception`, or the library would take it for a failure of its own and go on."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Defended(json.loads(Path(os.environ[ORDERS]).read_text())))


class Defended:
    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.process = getpid()
        # Both stay open: a test may have become another user.
        self.outcomes = os.open(orders["outcomes"], os.O_WRONLY | os.O_APPEND)
        self.nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process lasts

    def pytest_sessionstart(self) -> None:
        import beautyspot
        import beautyspot_local
        import beautyspot_s3

        for module in (beautyspot, beautyspot_local, beautyspot_s3):
            found = Path(module.__file__ or "").resolve()
            assert found.is_relative_to(self.orders["copy"]), f"{found} is not the copy"

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        claimed = claims(self.orders["patterns"], [item.nodeid for item in items])
        kept = {node for nodes in claimed.values() for node in nodes} - set(self.orders["done"])
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
        first = {node for nodes in claims(CONTROL, kept).values() for node in nodes}
        items[:] = [item for item in items if item.nodeid in kept]
        items.sort(key=lambda item: item.nodeid not in first)  # before anything hangs beside it
        self._hang_quickly()

    def _hang_quickly(self) -> None:
        import faults

        faults.PATIENCE = self.orders["patience"]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        yield from self._limited()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        yield from self._limited()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        yield from self._limited()

    def _limited(self) -> Iterator[None]:
        limit = self.orders["limit"]
        signal.signal(signal.SIGALRM, _hung)
        signal.setitimer(signal.ITIMER_REAL, limit, 5.0)
        # Where C code hangs, no signal helps.
        faulthandler.dump_traceback_later(limit + 10, exit=True, file=self.nowhere)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if getpid() != self.process:
            os._exit(1)  # a child that escaped from its test
        said = report.longreprtext.strip().splitlines()[-12:] if report.failed else ""
        line = [report.nodeid, report.when, report.outcome, "\n".join(said)]
        write(self.outcomes, json.dumps(line).encode() + b"\n")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.testscollected:  # else the end has to say why
            os._exit(0)  # some threads may hang for good


def _hung(*_: object) -> None:
    raise HungError
