"""How a Spot's engine is made, started and ended.

An engine outlives its Spot, to end it. What a user gives may lead back to the Spot, such as
`on_error=` or `observers=`, so the Spot alone keeps that, in its `Observers`: if the engine held a
method of the object that holds the Spot, the Spot would never be dropped.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - ends executors after what `_finish_threads` does
import sys
import threading
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.engine import Engine
from beautyspot.concurrency import deferred, holders
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import SpotExecutor
from beautyspot.errors import ConfigError
from beautyspot.resilience.guarded_backends import GuardedStore, Storages
from beautyspot.resilience.reporting import OPENING, Reporter
from beautyspot.results.cache import Cache
from beautyspot.results.placement import Placement
from beautyspot.serialization.payload import check_installed

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from beautyspot.backends.spot_backends import Parts
    from beautyspot.calls.engine import Owner
    from beautyspot.config.resolve import Config


_ELSEWHERE: Final = (
    *("concurrent.futures.process.", "concurrent.futures.interpreter.", "dask.", "distributed."),
    *("executorlib.", "ipyparallel.", "joblib.", "lithops.", "loky.", "mpi4py.", "multiprocess."),
    *("multiprocessing.", "parsl.", "pebble.", "ray."),
)
"""Modules, and packages, whose executors and pools work in other processes or interpreters."""


def runs_elsewhere(cls: type) -> bool:
    """Whether a class is one of `_ELSEWHERE`, or inherits from one."""
    return any(f"{base.__module__}.".startswith(_ELSEWHERE) for base in cls.__mro__)


def make_engine(
    spot: Owner,
    parts: Parts,
    config: Config,
    executor: Executor | None,
) -> Engine:
    """The engine of a Spot, out of its parts and its settings.

    Raises:
        ConfigError: one of these does not fit; or the executor does not run threads: what is
            submitted to it holds connections and locks, which are bound to a process.
    """
    from concurrent.futures import Executor

    if not isinstance(executor, Executor | None) or runs_elsewhere(type(executor)):
        raise ConfigError(
            f"executor={executor!r:.80}: give an executor whose workers are threads, "
            "such as concurrent.futures.ThreadPoolExecutor(8). The calls themselves may run "
            "elsewhere: spot.map(f, inputs, executor=pool), or pool.submit(f, x) with a marked f"
        )
    if config["compress"]:
        check_installed(f"{config.source('compress')}:")
    reporter = Reporter(spot.name, strict=config["strict"], observers=spot._observers)
    placement = Placement(
        GuardedStore(parts.metadata, reporter, signs=config["signing_key"] is not None),
        Storages(parts.storage, reporter),
        reporter,
        parts.context.directory,
        blob_threshold=config["blob_threshold"],
        signing_keys=config["signing_key"],
    )
    cache = Cache(placement)
    engine = Engine(
        cache,
        reporter,
        config["wait_timeout"],
        SpotExecutor(executor),
        owner=weakref.ref(spot),
        active=config["enabled"],
        price_unit=config["price_unit"] or "",
    )
    engine.counting.writes = config["mode"] in ("normal", "refresh")
    engine.saves_behind = config["save"] == "background"
    if config["max_size"] is not None:
        from beautyspot.results.pruning import SizeLimit

        engine.size_limit = SizeLimit(
            config["max_size"],
            cache,
            engine.counting.write,
            is_closed=lambda: engine.closed,
            holding=engine.staying_open,
        )
        cache.saver.on_stored = engine.size_limit.add
    return engine


def start(engine: Engine, parts: Parts, *, is_open: bool) -> None:
    """Open the store, unless it is open. Where that fails, it is tried again when it is needed."""
    reset_in_children(engine)
    _engines.add(engine)
    try:
        engine.cache.store.open(is_open=is_open)
    except Exception as error:
        advice = (
            "Until that is mended, results are kept in memory only, as far as there is room; give "
            "directory=, db_path= or metadata= to choose another place"
        )
        engine.reporter.report(OPENING, "", error, advice)


def end(spot: weakref.ref[Owner], engine: Engine, parts: Parts) -> None:
    """End the engine: of a dropped Spot, by `shutdown`, or at the interpreter's exit."""
    if spot() is None or engine.executor.runs_here():
        finish_later(engine, parts)  # the collector may have dropped the Spot inside any code
    elif _others_go_on():
        engine.cache.writer.finish()
        engine.counting.write()
    else:
        finish(engine, parts)


def _others_go_on() -> bool:
    """Whether the interpreter ends, and daemon threads of the user's still run."""
    main = threading.main_thread()
    mine = (main, threading.current_thread())
    others = [other for other in threading.enumerate() if other not in mine]
    return not main.is_alive() and not all(map(deferred.is_ours, others))


def finish_later(engine: Engine, parts: Parts) -> None:
    """Finish in another thread, which the interpreter waits for at its end.

    Those who observe the Spot are kept until then.
    """
    deferred.later(partial(finish, engine, parts, engine.observers))


def finish(engine: Engine, parts: Parts, *_: object) -> None:
    """Store what is left, and close the backends; the last call under way does that, if any is."""
    engine.active, engine.closed = False, True
    holders.end_orphans()
    engine.behind.dismiss()
    engine.wait_behind()
    engine.cache.writer.finish()
    engine.counting.write()
    engine.executor.stop(wait=True)
    engine.closing.append(partial(_close, engine, parts))
    if not engine.running:
        engine.close()


def _close(engine: Engine, parts: Parts) -> None:
    engine.counting.write()  # what such a call counted
    engine.counting.writes = False  # limited functions go on, and count
    engine.cache.leases.stop()
    for error in parts.close():
        engine.reporter.report("close a backend", "", error, "It may hold files or connections")


# ------------------------------------------------------------------- the end of the process

_engines: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()


def _finish_threads() -> None:
    """Let the calls behind end, while threads may still use executors, at an end of the process.

    A child of `multiprocessing` ends its Spots here: it runs no `atexit`.
    """
    process: Any = sys.modules.get("multiprocessing.process")
    is_child = process is not None and process.parent_process() is not None
    for engine in list(_engines):
        engine.behind.dismiss()
        engine.behind.wait()
        if is_child:  # pragma: no cover - children are not measured
            engine.cache.writer.finish()
            engine.counting.write()
    if is_child:  # pragma: no cover - as above
        deferred.finish()


with suppress(RuntimeError):  # the interpreter ends
    threading._register_atexit(_finish_threads)  # type: ignore[attr-defined]
