"""The plug-ins of `docs/examples`, installed for real: wheels alone are enough for a stranger."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from workspace.environments import Environment, build_wheels, run
from workspace.sources import ROOT
from workspace.suites import QUICK

EXAMPLES = ROOT / "docs" / "examples"
PROJECTS = ("beautyspot-fsspec", "beautyspot-extras")

PROGRAM = """
import sys
from pathlib import Path
import beautyspot as bs

spot = bs.Spot("app")

@spot.mark(save_blob=True)
def shout(text: str) -> str:
    return text.upper()

with spot:
    assert shout("hello") == shout("hello") == "HELLO"
    assert spot.stats()["hits"] == 1
    assert spot.stats()["errors"] == 0
    assert "site-packages" in bs.__file__
    limiter = spot.bucket.name if spot.config["limiter"] else None
    print(spot.storage.name, spot.serializer.name, limiter)
"""
"""Names no backend: the file beside it does."""

BROKEN = """
from beautyspot_testing.storage import StorageContract
from beautyspot.memory import MemoryStorage

class Forgetful(MemoryStorage):
    def load(self, location):
        return super().load(location)[:-1]

class TestForgetful(StorageContract):
    persistent = False
    def make(self, tmp_path):
        return Forgetful()
"""


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Environment:
    """An environment with beautyspot and the plug-ins from their wheels, and pytest."""
    wheels = tmp_path_factory.mktemp("theirs")
    build_wheels(wheels, *(EXAMPLES / name for name in PROJECTS))
    for ours in dist.glob("*.whl"):
        (wheels / ours.name).symlink_to(ours)
    environment = Environment(tmp_path_factory.mktemp("strangers"), wheels)
    environment.install("beautyspot", *(f"{name}[test]" for name in PROJECTS))
    return environment


def outcome(
    environment: Environment, folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """How pytest of that environment ends in that folder."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BEAUTYSPOT")}
    clean.pop("PYTEST_ADDOPTS", None)
    command = [environment.python, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "which", [QUICK, pytest.param("", marks=pytest.mark.slow)], ids=["quick", "whole"]
)
@pytest.mark.parametrize("name", PROJECTS)
def test_its_own_tests_pass(name: str, which: str, strangers: Environment, tmp_path: Path) -> None:
    """With the kit from the installed packages; nothing of the repository is in reach."""
    shutil.copytree(EXAMPLES / name / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLES / name / "pyproject.toml", tmp_path)
    done = outcome(strangers, tmp_path, "-k", which)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_failing_contract_explains_itself(strangers: Environment, tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(BROKEN)
    done = outcome(strangers, tmp_path, "-k", "test_it_keeps_no_reference")
    assert done.returncode == 1
    assert "assert b'befor' == b'before'" in done.stdout


CONFIGURATIONS = {
    'storage = "memory://cache"\n': "fsspec msgpack None",
    'storage = "fsspec+file://{folder}/blobs"\n': "fsspec msgpack None",
    'serializer = "json"\nlimiter = {{ use = "leaky", rate_per_second = 5 }}\n': "local json leaky",
}


@pytest.mark.parametrize("text", CONFIGURATIONS, ids=["scheme", "prefixed", "names"])
def test_a_file_alone_selects_it(text: str, strangers: Environment, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "beautyspot.toml").write_text(text.format(folder=tmp_path))
    said = run(strangers.python, "-I", "-W", "error", "app.py", cwd=tmp_path)
    assert said.split() == CONFIGURATIONS[text].split()
    if "file://" in text:
        assert list((tmp_path / "blobs").rglob("*.msgpack"))


def test_they_are_listed(strangers: Environment) -> None:
    said = strangers.run("import beautyspot as bs; print(*bs.plugins(), sep='\\n')")
    assert "fsspec (beautyspot-fsspec 1.0.0)\n  storage: fsspec\n" in said
    parts = ("serializer: json", "limiter: leaky", "types: packaging")
    assert "\n  ".join(["extras (beautyspot-extras 1.0.0)", *parts]) in said


def test_no_plug_in_imports_what_is_heavy(strangers: Environment) -> None:
    strangers.run(
        "import sys, beautyspot as bs\n"
        "bs.Spot('app', metadata='memory', storage='gs://bucket/cache', config=False).shutdown()\n"
        "assert 'fsspec' not in sys.modules\n"
    )


@pytest.mark.parametrize("name", PROJECTS)
def test_it_gets_nothing_that_another_stranger_would_not(name: str) -> None:
    from workspace.sources import imports
    from workspace.test_layout import PUBLIC

    for path in (EXAMPLES / name / "src").rglob("*.py"):
        ours = [use for use in imports(path) if use.module.split(".")[0] == "beautyspot"]
        assert [str(use) for use in ours if use.module not in PUBLIC] == []
