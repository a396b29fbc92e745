"""The suites of metadata stores pass what is sound, and find what is wrong with a store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from beautyspot_testing.key_value import SEEDS

from testing.broken_stores import BROKEN, DictStore, Suite


class TestDict(Suite):
    """A sound store passes."""


_HEAD = """
from hypothesis import Phase, settings
settings.register_profile("unshrunk", phases=[Phase.generate])  # the smallest failure takes long
settings.load_profile("unshrunk")
from testing import broken_stores
"""
_TEST = """
class Test{name}(broken_stores.Suite):
    cls = broken_stores.{name}
"""
_FAILED = re.compile(r"^FAILED test_it\.py::Test(\w+)::(\w+)\S* - (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Why the test of a broken store that has to find it failed, in one run of all."""
    folder = tmp_path_factory.mktemp("broken")
    tests = "".join(_TEST.format(name=cls.__name__) for cls in BROKEN)
    (folder / "test_it.py").write_text(f"{_HEAD}{tests}")
    chosen = [
        f"test_it.py::Test{cls.__name__}::{cls.found_by}{which}"
        for cls in BROKEN
        for which in (
            [f"[-{seed}]" for seed in range(SEEDS)] if "history" in cls.found_by else [""]
        )
    ]
    options = ["-q", "-rf", "--tb=no", "-n", "0", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", folder, *chosen],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    return {(cls, test): why for cls, test, why in _FAILED.findall(done.stdout)}


@pytest.mark.parametrize("cls", BROKEN, ids=lambda cls: cls.__name__)
def test_each_broken_store_is_found(
    failures: dict[tuple[str, str], str], cls: type[DictStore]
) -> None:
    why = failures.get((cls.__name__, cls.found_by))
    assert why is not None, f"{cls.__name__} passes {cls.found_by}"
    said = ("AssertionError", "assert ", "Failed: DID NOT RAISE", "beautyspot.errors.MetadataError")
    assert why.startswith(said), why
