"""A program of several threads that call marked functions of every kind at random.

Now and then they do something else: look without running, forget, have run anew, clean up. It says
on its output all that the model in `test_long_run.py` needs to know.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beautyspot import File

CHANGING = 5
"""Of so many numbers one is forgotten and run anew at times."""


def value(name: str, number: int) -> list[Any]:
    """What each function gives."""
    return [name, number, "text" * (number % 300)]


def _say(word: str, name: str, number: int) -> None:
    line = f"{word} {name} {number} {time.monotonic():.4f} {os.getpid()}\n"
    os.write(1, line.encode())  # threads that write to `sys.stdout` at once spoil it (gh-119506)


def small(number: int) -> list[Any]:
    _say("ran", "small", number)
    return value("small", number)


def large(number: int) -> list[Any]:
    _say("ran", "large", number)
    return value("large", number)


async def later(number: int) -> list[Any]:
    _say("ran", "later", number)
    await asyncio.sleep(0)
    return value("later", number)


def stream(number: int) -> Iterator[Any]:
    _say("ran", "stream", number)
    yield from value("stream", number)


MADE: list[Path] = []
"""The folder in which `film` makes its files."""


def film(number: int) -> File:
    _say("ran", "film", number)
    path = MADE[0] / f"{os.getpid()}-{threading.get_ident()}.json"
    path.write_text(json.dumps(value("film", number)))
    return File(path, name="film.json")


def marked(spot: Any) -> dict[str, Any]:
    """The functions, marked."""
    MADE[:] = [spot.db_path.parent / "made"]
    MADE[0].mkdir(parents=True, exist_ok=True)
    return {
        "film": spot.mark(film),
        "small": spot.mark(small),
        "large": spot.mark(save_blob=True)(large),
        "later": spot.mark(later),
        "stream": spot.mark(stream),
    }


def finished(given: Any, name: str, number: int) -> Any:
    """What a call gives, in whichever kind; a file may be replaced before it is read."""
    if name == "film":
        try:
            return json.loads(given.read_bytes())
        except FileNotFoundError:
            return value(name, number)
    if name == "later":
        return asyncio.run(given)
    return list(given) if name == "stream" else given


def call(functions: dict[str, Any], name: str, number: int) -> Any:
    """The result of a call."""
    return finished(functions[name](number), name, number)


def right(name: str, number: int, stored: Any) -> bool:
    """Whether what `peek` found is what the function gives, or nothing."""
    expected: Any = value(name, number)
    if stored is None:
        return True
    if name == "film":
        return bool(finished(stored.value, name, number) == expected)
    return bool(stored.value == ([*expected, None] if name == "stream" else expected))


def _something_else(spot: Any, function: Any, name: str, number: int, chance: Any) -> bool:
    """One operation that is no call; whether all was well."""
    if chance.random() < 0.02:
        return spot.prune(older_than="1d", max_size="1GB").entries + spot.collect().blobs == 0
    if chance.random() < 0.5 or number % CHANGING:
        return right(name, number, spot.peek(function, number))
    _say("changed", name, number)  # before it is: what runs next is not one run too many
    if chance.random() < 0.5:
        spot.invalidate(function, number)
        return True
    return bool(finished(spot.refresh(function, number), name, number) == value(name, number))


def main(directory: str, threads: int, seconds: float, seed: int) -> None:
    """Call at random for some seconds; say what ran, and what was wrong."""
    from beautyspot.spot import Spot

    spot = Spot("app", directory=directory, config=False, save="background" if seed % 2 else "sync")
    functions = marked(spot)
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        reach = 1
        while time.monotonic() < until:
            reach += 1  # all processes go through the same numbers at about the same time
            name, key = chance.choice(sorted(functions)), chance.randrange(reach)
            if chance.random() < 0.1:
                well = _something_else(spot, functions[name], name, key, chance)
            else:
                well = call(functions, name, key) == value(name, key)
            if not well:
                _say("wrong", name, key)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spot.shutdown()


if __name__ == "__main__":
    import mixing  # under its own name, so that its functions have the same keys everywhere

    mixing.main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
