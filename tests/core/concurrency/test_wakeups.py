"""An `Alarm` wakes its task once, and does nothing after the task's loop is closed."""

from __future__ import annotations

import asyncio
from typing import Any

from beautyspot.concurrency.waiting import Alarm
from gates import DEADLINE


def test_a_late_alarm_for_a_closed_loop_wakes_nobody() -> None:
    async def make() -> Alarm:
        return Alarm()

    alarm = asyncio.run(make())
    alarm()
    assert not alarm.rung.done()


def test_an_alarm_that_rings_twice_rings_once() -> None:
    failures: list[dict[str, Any]] = []

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context))
        alarm = Alarm()
        alarm()
        alarm()
        return await asyncio.wait_for(alarm.rung, DEADLINE)

    assert asyncio.run(main()) is True
    assert failures == []
