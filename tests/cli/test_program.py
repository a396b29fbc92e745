"""The command line as a whole: help, versions, what a mistake says, and what is loaded for it."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib

import pytest
from beautyspot_cli.program import beautyspot
from click.testing import CliRunner, Result
from workspace.sources import ROOT

VERSION = runpy.run_path(str(ROOT / "VERSION.py"))["__version__"]


def run(*words: str) -> Result:
    return CliRunner().invoke(beautyspot, words)


def test_the_command_is_installed_under_its_name() -> None:
    table = tomllib.loads((ROOT / "beautyspot-cli" / "pyproject.toml").read_text())["project"]
    assert table["scripts"] == {"beautyspot": "beautyspot_cli:main"}


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["ls", "--help"]])
def test_help_ends_well(words: list[str]) -> None:
    done = run(*words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: beautyspot")


def test_the_version_is_the_distributions() -> None:
    assert run("--version").stdout == f"beautyspot {VERSION}\n"


def test_the_help_lists_every_command_and_loads_no_backend() -> None:
    program = (
        "import sys\n"
        "from beautyspot_cli import main\n"
        "sys.argv[1:] = ['--help']\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert all(f"  {name} " in done.stdout for name in beautyspot.commands)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert loaded & {"numpy", "sqlite3", "boto3"} == set()


def test_the_library_run_as_a_module_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["beautyspot", "--version"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("beautyspot", run_name="__main__")
    assert end.value.code == 0


def test_without_the_command_line_the_module_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "beautyspot_cli", None)
    with pytest.raises(SystemExit) as end:
        runpy.run_module("beautyspot", run_name="__main__")
    assert end.value.code == 2
    assert "pip install ./beautyspot-cli" in capsys.readouterr().err
