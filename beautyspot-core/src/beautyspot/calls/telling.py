"""The part of a Spot that tells what its calls came to, and what goes on now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts.store import totals_of

if TYPE_CHECKING:
    from beautyspot.calls.activity import Activity, Stats
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.noting import LastCall
    from beautyspot.concurrency.lazily import Lazily
    from beautyspot.config.resolve import Config
    from beautyspot.limits.limiting import Limiting


class Telling:
    """Methods of `Spot`."""

    config: Config
    name: str
    _engine: Lazily[Engine]
    _limiting: Lazily[Limiting]

    def last_call(self) -> LastCall | None:
        """What the last call of a function of this Spot, in this thread or task, came to.

        A task begins with the last call of the code that started it, and its own calls are not
        seen outside; nor are those of `map`. The last call is the one that ended last: after
        ``f(1)`` it is that, though `f` called others. A generator becomes the last call when it is
        asked for its first item, and once more when it has ended.

        Returns:
            A `LastCall`: whether it was a hit, how old the result is, or why it was a miss; None
            where there was no call yet, and where one of another Spot's functions has ended since.
        """
        return self._engine.last_calls.last()

    def activity(self) -> Activity:
        """What goes on now, in this process: which calls run and wait, and what is to be stored.

        It asks no store, and holds nothing up: call it from any thread, as often as you like. It
        answers after `shutdown`, too, as long as calls are under way. A forked child begins with
        nothing.

        Returns:
            An `Activity`. Arguments are not in it.
        """
        from beautyspot.calls.activity import activity

        return activity(self.name, self._engine, self._limiting)

    def stats(self) -> Stats:
        """What was counted since the Spot was made, in this process, and what is stored.

        A forked child counts from the start.

        Returns:
            A dictionary; `Stats` says what is in it.
        """
        engine, limiting = self._engine, self._limiting
        cache, counted = engine.cache, [*engine.counting]
        breakers = (cache.store.breaker, cache.storage.breaker, *limiting.breakers)
        entries, size = self._totals()
        return {
            "hits": sum(each.hits for each in counted),
            "misses": sum(each.runs for each in counted),
            "failures": sum(each.failures for each in counted),
            "bypassed": engine.counting.bypassed,
            "changed": engine.counting.changed,
            "errors": sum(engine.reporter.counts.values()),
            "seconds_saved": sum(each.seconds_saved for each in counted),
            "seconds_spent": sum(each.seconds_spent for each in counted),
            "money_saved": sum(each.money_saved for each in counted),
            "money_spent": sum(each.money_spent for each in counted),
            "entries": entries,
            "bytes": size,
            "unsaved": len(cache.writer.unsaved),
            "resting": sum(breaker.is_open for breaker in breakers)
            + (cache.writer.rest_left() > 0),
            **limiting.statistics(),
        }

    def _totals(self) -> tuple[int, int] | tuple[None, None]:
        engine = self._engine
        if engine.closed:
            return None, None
        try:
            return totals_of(engine.cache.store.real)
        except Exception as error:
            engine.reporter.report("count what is stored", "", error, "It is given as None")
            return None, None
