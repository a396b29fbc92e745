"""A program of several threads that call marked functions of every kind at random."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from typing import Any


def value(name: str, number: int) -> list[Any]:
    """What each function gives."""
    return [name, number, "text" * (number % 300)]


def _say(word: str, name: str, number: int) -> None:
    sys.stdout.write(f"{word} {name} {number}\n")


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


def marked(spot: Any) -> dict[str, Any]:
    """The functions, marked."""
    return {
        "small": spot.mark(small),
        "large": spot.mark(save_blob=True)(large),
        "later": spot.mark(later),
    }


def call(functions: dict[str, Any], name: str, number: int) -> Any:
    """What a call gives, in whichever kind."""
    given = functions[name](number)
    return asyncio.run(given) if name == "later" else given


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
            if call(functions, name, key) != value(name, key):
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
