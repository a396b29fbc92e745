"""`Save`: the step of a flow that stores a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.concurrency.waiting import Job
from beautyspot.results.shared_commits import SharedCommits

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.calls.turn import Turn


class Save:
    """The step that stores the result of a turn, and ends the turn."""

    __slots__ = ("_turn",)

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def perform(self) -> None:
        """Do it in this thread."""
        self._turn.save()

    async def perform_async(self, executor: Callable[[], Executor]) -> None:
        """Do it here where that takes no time, or in the executor.

        The executor goes on where the caller is cancelled.
        """
        turn = self._turn
        commits = turn.engine.commits
        if commits is None:  # two threads may make one each, and both work
            commits = turn.engine.commits = SharedCommits(turn.engine.cache)
        if commits.takes(turn):
            if not commits.save_at_once(turn):
                await commits.save(turn, executor)
            return
        job = Job(turn.save)
        try:
            await job.run_in(executor)
        finally:
            if job.submitted:
                turn.hand_over()
