"""The tour of `docs/inspecting.md`: makes its store, runs its commands, compares their output.

Run as a program it writes the output into the page; keys that changed with a program have to be
put in by hand.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest import mock

import time_machine
from beautyspot_cli.program import beautyspot
from click.testing import CliRunner

PAGE = Path(__file__).resolve().parents[2] / "docs" / "inspecting.md"
NOW = 1_795_694_400.0  # 2026-11-26 12:00 UTC
DAY = 86400.0

_PROGRAM = re.compile(r"^```python\n(# app\.py\n.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def make_store(page: str) -> None:
    """Run last week's program and yesterday's in the working directory."""
    [source] = _PROGRAM.findall(page)
    with time_machine.travel(NOW - 6 * DAY, tick=False):
        app = _program(source.replace("version=2", "version=1"))
        for prompt in ("Summarize the report", "Translate the report"):
            app.ask(prompt)
        for names in ("Ann, Bob", "Eve, Mallory", "Trent"):
            app.parse(names)
        app.plot("Oslo")
        app.spot.shutdown()
    with time_machine.travel(NOW - DAY, tick=False):
        app = _program(source)
        for prompt in ("Summarize the report", "Translate the report"):
            app.ask(prompt)
        app.ask("Summarize the report", temperature=0.7)
        for names in ("Ann, Bob", "Eve, Mallory"):
            app.parse(names)
        app.plot("Oslo")
        app.spot.shutdown()


def _program(source: str) -> Any:
    Path("app.py").write_text(source)
    spec = importlib.util.spec_from_file_location("app", "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    # Its next version may be as long, and of the same second: compiled code would stand for both.
    with mock.patch.object(sys, "dont_write_bytecode", True):
        spec.loader.exec_module(module)
    return module


def replayed(page: str) -> str:
    """The page with the output that its commands have now."""
    return _CONSOLE.sub(lambda block: f"```console\n{_told(block[1])}```", page)


def _told(block: str) -> str:
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"$ {command}\n{_output(command)}" for command in commands)


def _output(command: str) -> str:
    """What a terminal shows, without the spaces at its lines' ends and the place of the store."""
    with time_machine.travel(NOW, tick=False):
        done = CliRunner().invoke(beautyspot, shlex.split(command)[1:], env={"COLUMNS": "110"})
    assert done.exit_code == 0, (command, done.output, done.exception)
    shown = done.output.replace(os.fsdecode(Path.cwd()), "/home/me")
    return re.sub(" +$", "", shown, flags=re.MULTILINE)


def alike(page: str) -> str:
    """The page without what differs from run to run, or with the Python."""
    page = re.sub(r"\b[\d.]+ (us|ms|s)\b", "# s", page)
    return re.sub("  +", " ", re.sub(r"\b[0-9a-f]{16}:[0-9a-f]{16}\b", "#", page))


def main() -> None:
    """Write the output into the page."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        make_store(page)
        PAGE.write_text(replayed(page), encoding="utf-8")


if __name__ == "__main__":
    main()
