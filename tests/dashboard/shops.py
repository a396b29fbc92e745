"""A store with results of many kinds, for the pages that list, show and remove them."""

from __future__ import annotations

import html
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import beautyspot as bs
from beautyspot_cli.program import beautyspot
from click.testing import CliRunner

HOSTILE = "<script>alert(1)</script> \x1b]0;owned\x07 \u202e it's \"'"
ODD = "a\x1b \u202e\\n 'b'"
"""A tag that no terminal and no page should show as it is."""


def filled(folder: Path) -> Path:
    """The database of a store that was filled below a folder."""
    with bs.Spot("shop", directory=folder / ".beautyspot", config=False, strict=True) as spot:

        @spot.mark(
            name="shop:ask", version="2", tags=("paid", "eu"), price=lambda answer: len(answer) / 9
        )
        def ask(prompt: str, model: str = "small") -> str:
            return f"{model}: {prompt}"

        @spot.mark(name="shop:forecast", version="1", ttl=1e-6)
        def forecast(city: str) -> str:
            return city * 40

        @spot.mark(name="shop:draw", tags=(ODD,), content_type="image/svg+xml", save_blob=True)
        def draw(width: int) -> str:
            return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}"/>'

        @spot.mark(name="shop:fail", cache_errors=ValueError)
        def fail(what: str) -> None:
            raise ValueError(what)

        @spot.mark(name="shop:stream")
        def stream(number: int) -> Iterator[int]:
            yield from range(number)

        list(spot.map(ask, [f"good morning, number {number}" for number in range(12)]))
        ask("good evening", model="large")
        ask(HOSTILE)
        for city in ("Oslo", "Bergen", "--all"):
            forecast(city)
        draw(30)
        with suppress(ValueError):
            fail("no such thing")
        list(stream(3))
        return spot.db_path


def copied(made: Path, folder: Path) -> Path:
    """The database of a copy below a folder."""
    shutil.copytree(made.parent, folder / made.parent.name)
    return folder / made.parent.name / made.name


def change(database: Path, statement: str, *values: object) -> None:
    """Do to a database what only a damaged disk or an attacker does."""
    with sqlite3.connect(database) as connection:
        connection.execute(statement, values)
    connection.close()


def linked_keys(page: Any) -> list[str]:
    """The keys of the results that a page links to, in its order."""
    return list(dict.fromkeys(re.findall(r'href="[^"]*/result/([0-9a-f]{32})', page.text)))


def command_of(page: Any) -> list[str]:
    """The words of the command line that a page shows."""
    (shown,) = re.findall(r'class="command">.*?<code>(.*?)</code>', page.text, re.DOTALL)
    line = html.unescape(shown)
    return shlex.split(line)[1:]


def run(*words: str) -> Any:
    """What a command line says."""
    done = CliRunner().invoke(beautyspot, words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done
