"""What is imported when: a program pays for what it uses, at the moment when it uses it.

Which modules are loaded says more than a clock, and says it on any machine.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from workspace.sources import MEMBERS, files, imports

HEAVY = {
    "asyncio", "boto3", "botocore", "email", "http", "multiprocessing", "numpy", "pandas", "PIL",
    "polars", "pyarrow", "pydantic", "pytest", "socket", "sqlite3", "ssl", "subprocess", "tomllib",
    "torch", "unittest", "importlib.metadata", "importlib_metadata",
}  # fmt: skip
"""What takes milliseconds or more, or is another library's business."""

AT_A_SPOT = {"email", "socket", "sqlite3", "importlib.metadata", "importlib_metadata"}
"""Needed by the database and by the scan for plug-ins (email: the metadata are in its format)."""


def loaded_by(program: str, folder: Path) -> set[str]:
    """The modules of `HEAVY` that a program loads which starts with an empty interpreter."""
    return (_modules(program, folder) - _modules("pass", folder)) & HEAVY


def _modules(program: str, folder: Path) -> set[str]:
    command = [sys.executable, "-I", "-c", f"{program}; import sys; print(list(sys.modules))"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stdout.splitlines()[-1]))


def test_importing_the_library_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_by("import beautyspot", tmp_path) == set()


@pytest.mark.parametrize("package", [package for package in MEMBERS if package != "beautyspot"])
def test_importing_a_plug_in_imports_no_backend(package: str, tmp_path: Path) -> None:
    modules = _modules(f"import {package}", tmp_path)
    assert modules & HEAVY == set()
    assert [name for name in modules if name.startswith(f"{package}.")] == []


def test_a_spot_imports_a_database_and_the_scan(tmp_path: Path) -> None:
    program = "import beautyspot as bs; spot = bs.Spot('x')"
    assert loaded_by(program, tmp_path) <= AT_A_SPOT


def test_a_synchronous_program_never_imports_asyncio(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import beautyspot as bs\n"
        "spot = bs.Spot('x', limiter='600/min', strict=True)\n"
        "double = spot.mark(spot.limiter(cost=lambda x: x)(lambda x: x * 2))\n"
        "image = spot.mark(save_blob=True, content_type='image/png')(lambda x: bytes(x))\n"
        "assert double(4) == double(4) == 8\n"
        "assert image(9) == image(9) == bytes(9)\n"
        "assert spot.stats()['hits'] == 2\n"
        "spot.explain(double, 5), spot.peek(double, 4), spot.invalidate(double, 4)\n"
        "spot.shutdown()\n"
    )
    program = "import runpy; runpy.run_path('program.py')"
    assert loaded_by(program, tmp_path) <= AT_A_SPOT


def test_a_spot_with_s3_imports_boto3_at_the_first_blob(tmp_path: Path) -> None:
    program = "import beautyspot as bs; spot = bs.Spot('x', storage='s3://bucket/cache')"
    assert loaded_by(program, tmp_path) <= AT_A_SPOT


@pytest.mark.parametrize("package", MEMBERS)
def test_nothing_heavy_is_imported_at_the_top_of_a_module(package: str) -> None:
    """The programs above show the common ways; this shows every module.

    All but those of `codecs`: a value's codec is imported once the value's own library is there.
    """
    free = {"sqlite3"}  # by the modules of the database, which a Spot imports
    found = [
        str(use)
        for module, path in files(package).items()
        if not module.startswith(("beautyspot.testing", "beautyspot.codecs."))
        for use in imports(path)
        if use.top_level and not use.types_only and use.module in HEAVY - free
    ]
    assert found == []
