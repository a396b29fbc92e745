"""Programs of the recipes, run as a reader runs them: in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from forked import Forking
from servers.models import ModelServer
from workspace.sources import ROOT

RECIPES = ROOT / "docs" / "recipes"
_HEAVY = re.compile(
    r"^(?:from|import) (openai|anthropic|httpx|fastapi|numpy|stamina|tenacity)\b", re.MULTILINE
)


@dataclass
class Recipe:
    """Runs programs of `docs/recipes` in one folder.

    Attributes:
        folder: where they run; what they store is below.
        given: what they find in the environment, beside what every program does.
    """

    folder: Path
    forking: Forking
    given: dict[str, str] = field(default_factory=dict)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        ours = ("BEAUTYSPOT", "OPENAI", "ANTHROPIC", "AWS")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**clean, **self.given, **more}

    def run(self, name: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, which has to be well."""
        self.copy(name)
        return self.run_there(name, *arguments, **more)

    def run_there(
        self, name: str, *arguments: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that is in the folder."""
        text = "".join(path.read_text() for path in self.folder.glob("*.py"))
        modules = _HEAVY.findall(text)
        if {"openai", "anthropic"} & {*modules}:
            modules += ["httpcore2", "h2.connection"]  # which a first client imports
        if "s3://" in self.given.get("BEAUTYSPOT_METADATA", ""):
            modules += ["boto3", "beautyspot_s3"]
        done = self.forking.run(
            name, self.folder, self.environment(more),
            arguments=arguments, modules=modules,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = [line for line in done.stdout.splitlines(keepends=True) if " stamina." not in line]
        done.stdout = "".join(told)  # without what stamina tells by structlog, which is here
        return done

    def begin(self, name: str, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Begin a program, in a process that may be killed."""
        self.copy(name)
        return subprocess.Popen(
            [sys.executable, "-W", "error", name, *arguments],
            cwd=self.folder, env=self.environment(more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def copy(self, name: str, old: str = "", new: str = "") -> None:
        """Put a program into the folder, with something else in one place."""
        text = (RECIPES / name).read_text(encoding="utf-8")
        assert not old or text.count(old) == 1
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    forking = Forking()
    yield forking
    forking.close()


@pytest.fixture
def recipe(tmp_path: Path, forking: Forking) -> Recipe:
    return Recipe(tmp_path, forking)


@pytest.fixture(scope="session")
def models_of_the_session() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def models(models_of_the_session: ModelServer, recipe: Recipe) -> ModelServer:
    """Where the SDKs of this test's programs lead."""
    models_of_the_session.begin_anew()
    recipe.given |= models_of_the_session.environment()
    return models_of_the_session
