"""A store as somebody hands it over, and the command line that looks into it."""

from __future__ import annotations

import re
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot_cli.program import beautyspot
from click.testing import CliRunner, Result

HOSTILE = "\x1b]0;owned\x07 [bold]not bold[/bold] \x9b31m"


@dataclass
class Report:
    """A class that the command line does not have."""

    title: str
    numbers: list[int]


def png(width: int) -> bytes:
    """A picture of one row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    )


def rows(done: Result) -> list[dict[str, str]]:
    """The rows of a table, by its headings."""
    heading, *lines = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
    return [dict(zip(heading, line, strict=True)) for line in lines]


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in it, made once."""
    folder = tmp_path_factory.mktemp("made")
    with bs.Spot("shop", directory=folder / ".beautyspot", config=False, strict=True) as spot:

        @spot.mark(name="shop:ask", version=1, tags=["llm"], price=lambda answer: len(answer) / 100)
        def ask(prompt: str, model: str = "small") -> str:
            return f"{model}: {prompt}"

        @spot.mark(name="shop:draw", content_type="image/png", save_blob=True)
        def draw(width: int) -> bytes:
            return png(width)

        @spot.mark(name="shop:report")
        def report(title: str) -> Report:
            return Report(title, [1, 2, 3])

        @spot.mark(name="shop:fail")
        def fail() -> None:
            raise ArithmeticError("never")

        for prompt in ("good morning", "good evening", HOSTILE, "good morning"):
            ask(prompt)
        ask("good morning", model="large")
        draw(300)
        report("sales")
        with pytest.raises(ArithmeticError):
            fail()
    return folder


@pytest.fixture
def shop(_made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which holds a `.beautyspot` of its own with some results."""
    folder = tmp_path / "shop"
    shutil.copytree(_made, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command line; it ends with the status that is expected."""
    monkeypatch.setenv("COLUMNS", "1000")

    def run(*words: str, status: int = 0) -> Result:
        done = CliRunner().invoke(beautyspot, words)
        assert done.exit_code == status, (done.output, done.exception)
        return done

    return run


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
