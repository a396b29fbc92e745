"""A retry of another package between mark and limiter: wherever the function stands, a call has one
key, in this process and in the next.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot.errors import UnstableKeyError

stamina = pytest.importorskip("stamina")
tenacity = pytest.importorskip("tenacity")

PROGRAM = """
import asyncio, functools, sys
import beautyspot as bs
import stamina, tenacity

spot = bs.Spot(
    "app", directory=sys.argv[1], config=False, limiter="60000/min", strict=True
)
stamina.instrumentation.set_on_retry_hooks([])
ran, failing = [], set()


def tried(function):
    @functools.wraps(function)
    def trying(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except ValueError:
            return function(*args, **kwargs)
    return trying


RETRIES = {
    "tenacity": tenacity.retry(
        stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_none(), reraise=True,
        retry=tenacity.retry_if_exception_type(ValueError)
        | tenacity.retry_if_result(lambda result: result is None),
    ),
    "bare tenacity": tenacity.retry,
    "stamina": stamina.retry(on=ValueError, attempts=3, wait_initial=0, wait_max=0, wait_jitter=0),
    "both": lambda function: tenacity.retry(stamina.retry(on=KeyError)(function)),
    "one's own": tried,
}


def note(where, text):
    if text not in failing:          # the first attempt of each call fails
        failing.add(text)
        raise ValueError(text)
    failing.discard(text)
    ran.append(where)
    return text.upper()


@spot.mark(name="module")
@RETRIES["tenacity"]
@spot.limiter
def module(text):
    return note("module", text)


@spot.mark
@RETRIES["stamina"]
@spot.limiter(timeout=30)
async def amodule(text):
    return note("amodule", text)


def local(name, **options):
    @spot.mark(**options)
    @RETRIES[name]
    @spot.limiter
    def ask(text):
        return note(name, text)
    return ask


def alocal(name, **options):
    @spot.mark(**options)
    @RETRIES[name]
    @spot.limiter
    async def ask(text):
        return note(name, text)
    return ask


def stream(name):
    @spot.mark
    @RETRIES[name]
    @spot.limiter
    def items(text):
        yield note(name, text)
    return items


CELL = '''
@spot.mark
@RETRIES[name]
@spot.limiter
def ask(text):
    return note(name, text)

@spot.mark
@RETRIES[name]
@spot.limiter
async def aask(text):
    return note(name, text)

short = spot.mark(RETRIES[name](spot.limiter(lambda text: note(name, text))))
'''


async def main():
    keys = []

    async def call(function, *args):
        for _ in range(2):
            found = function(*args)
            found = await found if asyncio.iscoroutine(found) else found
            assert found == args[0].upper(), found
            keys.append(spot.key(function, *args))
        assert keys[-1] == keys[-2], keys

    await call(module, "a")
    await call(amodule, "b")
    for name in RETRIES:
        if name == "one's own":
            await call(local(name), "c")
            continue
        variable = "retry_ctx" if name == "stamina" else "self"
        for options in ({}, {"version": "auto"}, {"ignore": (variable,)}, {"key": str}):
            await call(local(name, **options), "c")
            await call(alocal(name, **options), "d")
        cell = {"__name__": "__main__", "spot": spot, "RETRIES": RETRIES, "note": note}
        cell["name"] = name
        exec(CELL, cell)
        for function in ("ask", "aask", "short"):
            await call(cell[function], "e")
    for _ in range(2):
        assert [*stream("stamina")("f")] == ["F"]
    print(len(keys), len(ran), *keys)


asyncio.run(main())
spot.shutdown()
"""


def test_the_documented_stack_is_a_hit_in_the_next_process(tmp_path: Path) -> None:
    """On functions of a module, local ones and those of a notebook's cell, of all kinds."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = [
        subprocess.run(
            [sys.executable, "-W", "error", str(program), str(tmp_path / "cache")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        for seed in ("1", "2")
    ]
    (made, ran, *keys), (_, again, *same) = (
        each.stdout.split() or ["0", each.stderr, each.stderr] for each in done
    )
    assert keys == same
    assert int(made) == len(keys)
    assert int(ran) == len(set(keys)) + 1 > 40  # each call once, and a stream
    assert again == "0"


class Timed(contextlib.ContextDecorator):
    """Python's own wrapper around a function captures one."""

    def __init__(self, model: str, **more: Any) -> None:
        self.model, self.lock, self.local = model, threading.Lock(), threading.local()
        vars(self).update(more)

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


def asked(spot: Spot, around: Any, held: object = "held") -> Any:
    @spot.mark
    @around
    def ask(text: str) -> str:
        return f"{text} {held}"

    return ask


def test_what_anothers_wrapper_captured_counts_less_locks_and_thread_locals(make_spot: Any) -> None:
    spot: Spot = make_spot()
    made = [
        asked(spot, Timed("a")), asked(spot, Timed("a")), asked(spot, Timed("b")),
        asked(spot, Timed("a", tries=[threading.Lock(), 1])),
        asked(spot, Timed("a", tries=[threading.Lock(), 2])),
        asked(spot, Timed("a"), held="other"),
    ]  # fmt: skip
    keys = [spot.key(function, "a") for function in made]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
    ring = Timed("a")
    ring.itself = ring  # type: ignore[attr-defined]
    assert spot.key(asked(spot, ring), "a") not in keys


def test_what_the_users_own_functions_hold_is_refused_as_ever(make_spot: Any) -> None:
    spot: Spot = make_spot()
    lock = iter(())

    def mine(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args, lock)

        return wrapper

    large = [*([n] for n in range(3000)), lock]  # what was written once is remembered
    for function, path in (
        (asked(spot, Timed("a"), held=lock), "<captured held>"),
        (asked(spot, Timed("a", log=lambda: lock)), "log<captured lock>"),
        (asked(spot, Timed("a", held=large, log=lambda: large)), "log<captured large>[3000]"),
        (asked(spot, mine), "lock"),
        (asked(spot, lambda function: Timed("a")(mine(function))), "<captured lock>"),
    ):
        with pytest.raises(UnstableKeyError, match="is a tuple_iterator") as error:
            spot.key(function, "a")
        assert error.value.path.endswith(path)
        assert "mark(" in str(error.value)
    hidden = spot.mark(ignore=("held",))(asked(spot, Timed("a"), held=lock).__wrapped__)
    assert spot.key(hidden, "a")
