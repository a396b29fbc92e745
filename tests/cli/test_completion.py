"""Completion: what a shell is offered, and what bash makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import beautyspot as bs
import pytest

NAMES = ["shop:ask", "shop:draw", "shop:f.<locals>.g"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results of three functions."""
    folder = tmp_path_factory.mktemp("completion")
    with bs.Spot("shop", directory=folder / ".beautyspot", config=False) as spot:
        for name in NAMES:
            spot.mark(name=name)(lambda number: number)(1)
    return folder


def completed(folder: Path, *lines: str) -> list[list[str]]:
    """What bash offers at the end of each line."""
    script = (
        "source <(beautyspot completion bash); compopt() { :; }; for line; do "
        "COMP_LINE=$line; COMP_POINT=${#line}; "
        # As bash splits a line: at blanks, and at colons, which are words of their own.
        'read -ra COMP_WORDS <<< "${line//:/ : }"; [[ $line == *[\\ :] ]] && COMP_WORDS+=(""); '
        "COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); word=${COMP_WORDS[COMP_CWORD]}; COMPREPLY=(); "
        '_beautyspot_completion beautyspot "${word#[\\\'\\"]}" x; echo "${COMPREPLY[@]}"; done'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script, "bash", *lines],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()]


def test_bash_completes_commands_and_functions(folder: Path) -> None:
    """Each line takes a process; what is offered for others is tested without one."""
    lines = {
        "beautyspot plu": ["plugins"],
        "beautyspot ls --function sh": ["shop:ask", "shop:draw", r"shop:f.\<locals\>.g"],
        "beautyspot ls --function shop:": ["ask", "draw", r"f.\<locals\>.g"],
        "beautyspot ls --function=shop:d": ["draw"],
    }
    assert completed(folder, *lines) == [*lines.values()]
