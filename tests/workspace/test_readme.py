"""The README can't rot: its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import linecache
import re
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace.sources import ROOT

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"^<!-- run: (\w+) -->\n```bash\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a language, each with the number of the line above its first."""
    found = [match for match in _FENCE.finditer(TEXT) if match[1] == language]
    return [(TEXT.count("\n", 0, match.start(2)), match[2]) for match in found]


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    """A module whose source is the README, so that what inspects a function's code finds it."""
    module = types.ModuleType("readme")
    module.__file__ = str(README)
    sys.modules["readme"] = module
    linecache.checkcache(str(README))
    yield module
    for value in vars(module).values():
        if type(value).__name__ == "Spot":
            value.shutdown()
    del sys.modules["readme"]


def test_every_python_block_runs_in_order(
    module: types.ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    for line, source in blocks("python"):
        code = compile("\n" * line + source, str(README), "exec")
        exec(code, vars(module))
    assert not caplog.records, "the README's code should give no warnings"
    assert list((tmp_path / ".beautyspot" / "blobs").rglob("*.svg"))


def test_the_first_example_does_what_it_says(
    module: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line, source = blocks("python")[0]
    exec(compile("\n" * line + source, str(README), "exec"), vars(module))
    stats = module.__dict__["spot"].stats()
    assert (stats["misses"], stats["hits"], stats["errors"]) == (1, 1, 0)


def test_the_lines_to_run_are_one_line_each_and_name_what_is_there() -> None:
    commands = dict(_RUN.findall(TEXT + INSTALL))
    assert list(commands) == ["quickstart", "tests", "wheels"]
    for command in commands.values():
        assert "\n" not in command
        named = re.findall(r"\S*(?:/|\.txt|\.py)\S*", command)
        assert named
        assert all((ROOT / name).exists() for name in named), named


def test_every_shell_command_exists() -> None:
    commands = re.findall(r"^```bash\n(.*?)^```$", TEXT + INSTALL, re.MULTILINE | re.DOTALL)
    for part in re.split(r"&&|\n", "\n".join(commands).strip()):
        program = part.split()[0] if part else "python"
        assert program == "python" or shutil.which(program), part


def test_it_is_short_and_starts_with_a_call() -> None:
    lines = TEXT.splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("translate(") for line in lines[:40])
