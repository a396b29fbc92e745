"""The command as a process: pipes that close, Ctrl-C, terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import beautyspot as bs
import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "beautyspot"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with more results than a pipe holds at a time."""
    folder = tmp_path_factory.mktemp("many") / ".beautyspot"
    with bs.Spot("many", directory=folder, config=False, save="background") as spot:
        double = spot.mark(name="double")(lambda text: text * 2)
        for number in range(400):
            double(f"{number} " * 40)
    return folder


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words, "--store", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_pipe_that_closes_is_no_error(many: Path) -> None:
    program = start(many, "ls", "--rows", "--quiet")
    assert program.stdout is not None
    assert program.stderr is not None
    with program, program.stderr:
        assert "double" in program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode == 0


def test_ctrl_c_ends_a_command_with_a_line_and_its_own_status(many: Path) -> None:
    program = start(many, "ls", "--rows", "--json")
    assert program.stdout is not None
    assert program.stderr is not None
    with program:
        json.loads(program.stdout.readline())
        program.send_signal(signal.SIGINT)
        program.stdout.read()
        assert program.stderr.read() == "beautyspot: interrupted\n"
    assert program.returncode == 130


pty = pytest.importorskip("pty")


def on_terminal(*words: str, **environ: str) -> str:
    """What a command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TMUX"}}
    environ = {"TERM": "xterm-256color", "COLUMNS": "100", **environ}
    program = subprocess.Popen(
        [*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=clean | environ
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:  # Linux says so at the end
        pass
    finally:
        os.close(ours)
    assert program.wait() == 0, written
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_table_with_colours_and_no_command_of_a_stored_text(shop: Path) -> None:
    shown = on_terminal("ls", "--rows", "--arguments", "owned", COLUMNS="180")
    assert "\x1b[1mKEY" in shown
    assert r"\x1b]0;owned\x07 [bold]not bold[/bold] \x9b31m" in shown
    assert "\x1b]0;" not in shown


def test_no_colour_where_it_is_not_wanted(shop: Path) -> None:
    shown = on_terminal("ls", NO_COLOR="1")
    assert "shop:ask" in shown
    assert "\x1b[" not in shown
