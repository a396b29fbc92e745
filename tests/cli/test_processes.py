"""The command as a process: pipes that close, Ctrl-C, terminals."""

from __future__ import annotations

import json
import os
import shlex
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
        [*COMMAND, "--store", str(folder), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_pipe_that_closes_is_no_error(many: Path) -> None:
    program = start(many, "ls", "--rows", "--json")
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


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_a_shell_has_closed_ends_no_command(shop: Path, closed: str) -> None:
    for words, status in (("ls shop:ask", 0), ("rm --function shop:ask", 2), ("why shop:ask", 0)):
        command = f"{shlex.join(COMMAND)} {words} {closed}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr


pty = pytest.importorskip("pty")


def on_terminal(*words: str, status: int = 0, **environ: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [*COMMAND, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environ},
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
    assert program.wait() == status, written
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_gets_no_command_of_a_stored_text(shop: Path) -> None:
    shown = on_terminal("ls", "--rows", "--arguments", "owned", COLUMNS="180")
    assert r"\x1b]0;owned\x07 [bold]not bold[/bold] \x9b31m" in shown
    key = shown.splitlines()[1].partition(" ")[0]
    assert "\x1b" not in shown + on_terminal("show", key) + on_terminal("show", key, "--value")
    assert "give --out FILE" in on_terminal("show", key, "--out", "-", status=2)


def test_a_terminal_gets_the_first_results_and_the_arguments_that_have_room(many: Path) -> None:
    shown = on_terminal("--store", str(many), "ls", "double", "--rows", COLUMNS="100")
    assert "these are the first 50: -n 0 shows all" in shown
    lines = [line for line in shown.splitlines() if " double " in line]
    assert (len(lines), {len(line) for line in lines}) == (50, {100})
    assert all(line.endswith("…") for line in lines)
