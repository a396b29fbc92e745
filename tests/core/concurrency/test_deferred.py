"""What a dropped Spot has still to do is done by a thread, or at the end, and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from beautyspot.concurrency import deferred
from gates import DEADLINE


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Neither by another test."""
    deferred.finish()


PROGRAM = """
    import gc, sys
    import beautyspot as bs

    spot = bs.Spot("app", directory=sys.argv[1], config=False, save="background")
    spot.me = spot
    spot.mark(lambda: 1)()
    del spot
    gc.collect()
"""


def in_a_child(program: str) -> str:
    body = "".join(f"    {line}\n" for line in program.strip().splitlines())
    return (
        f"import multiprocessing\ndef main():\n{body}\n"
        'child = multiprocessing.get_context("fork").Process(target=main)\nchild.start()\n'
        f"child.join({DEADLINE})\nassert child.exitcode == 0\n"
    )


@pytest.mark.parametrize("child", [False, True])
def test_a_process_ends_with_all_stored(tmp_path: Path, child: bool) -> None:
    from beautyspot.spot import Spot

    if child and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    program = in_a_child(dedent(PROGRAM)) if child else dedent(PROGRAM)
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, check=True, timeout=2 * DEADLINE)
    assert Spot("app", directory=tmp_path, config=False).stats()["entries"] == 1
