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


def completed(folder: Path, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    script = (
        'source <(beautyspot completion bash); COMP_LINE="$1"; COMP_POINT=${#1}; '
        # As bash splits a line: at blanks, and at colons, which are words of their own.
        'read -ra COMP_WORDS <<< "${1//:/ : }"; [[ $1 == *[\\ :] ]] && COMP_WORDS+=(""); '
        "COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); word=${COMP_WORDS[COMP_CWORD]}; "
        'compopt() { :; }; _beautyspot_completion beautyspot "${word#[\\\'\\"]}" x; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script, "bash", line],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("beautyspot plu", ["plugins"]),
        ("beautyspot ls --function sh", ["shop:ask", "shop:draw", r"shop:f.\<locals\>.g"]),
        ("beautyspot ls --function shop:d", ["draw"]),
        ("beautyspot ls --function shop:", ["ask", "draw", r"f.\<locals\>.g"]),
        ("beautyspot ls --function=shop:d", ["draw"]),
        ("beautyspot ls nowhere/ --function sh", []),
    ],
)
def test_bash_completes_commands_and_functions(folder: Path, line: str, offered: list[str]) -> None:
    assert completed(folder, line) == offered
