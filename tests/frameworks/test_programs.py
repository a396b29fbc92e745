"""Programs of ten lines, as users of frameworks write them: each run twice, with one store.

Each has an environment of its own, with the newest releases that pip brings. In the second run no
function may run again but those that the program's head names, and what it prints is the same.

`BEAUTYSPOT_TEST_FRAMEWORKS` names a folder in which the environments stay, for the next time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MEMBERS = [str(ROOT / f"beautyspot-{name}") for name in ("core", "local", "data", "http")]
PROGRAMS = sorted(path.stem for path in (HERE / "programs").glob("with_*.py"))


def head(program: str, word: str) -> list[str]:
    """What stands behind a word in the head of a program: ``# pip: openai anthropic``."""
    text = (HERE / "programs" / f"{program}.py").read_text("utf-8")
    lines = re.findall(rf"^# {word}: (.*)$", text, re.MULTILINE)
    return [each for line in lines for each in line.split(" | " if word == "says" else None)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, str(HERE / "programs" / "stand_in.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def environment(program: str, folder: Path) -> Path:
    """The Python of an environment in which the program's frameworks are."""
    python = folder / program / "bin" / "python"
    if not python.exists():
        uv, packages = shutil.which("uv"), [*MEMBERS, *head(program, "pip")]
        subprocess.run([sys.executable, "-m", "venv", str(folder / program)], check=True)
        pip: list[Any] = [python, "-m", "pip"] if uv is None else [uv, "pip"]
        of = [] if uv is None else ["--python", python]
        done = subprocess.run(
            [*pip, "install", "-q", *of, *packages], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(folder / program)
            pytest.skip(f"pip can't bring what {program} needs: {done.stderr.strip()[-300:]}")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_second_run_finds_what_the_first_has_stored(
    program: str, url: str, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("BEAUTYSPOT_TEST_FRAMEWORKS", tmp_path / "environments"))
    python = environment(program, folder)
    for file in (HERE / "programs").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    runs = []
    for seed in ("1", "2"):
        set_ = {"URL": url, "PYTHONHASHSEED": seed, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        done = subprocess.run(
            [python, "-W", "ignore", f"{program}.py"],
            cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
            env={**os.environ, **set_},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        runs.append(done)
    first, second = (done.stdout.splitlines() for done in runs)
    ran = [line.removeprefix("ran ") for line in second if line.startswith("ran ")]
    assert sorted(set(ran)) == sorted(head(program, "again")), runs[1].stderr[-3000:]
    assert [x for x in first if not x.startswith("ran ")] == [
        x for x in second if not x.startswith("ran ")
    ]
    for words in head(program, "says"):
        assert words in runs[1].stderr
