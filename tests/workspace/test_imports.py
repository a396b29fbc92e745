"""What is imported when: a program pays for what it uses, at the moment when it uses it.

Which modules are loaded says more than a clock, and says it on any machine.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest
from beautyspot_data.supports import SUPPORTS
from workspace.sources import BEYOND_CORE, MEMBERS, ROOT, files, imports

HEAVY = {
    "asyncio", "boto3", "botocore", "email", "http", "multiprocessing", "numpy", "pandas", "PIL",
    "polars", "pyarrow", "pydantic", "pytest", "socket", "sqlite3", "ssl", "subprocess", "tomllib",
    "torch", "unittest", "importlib.metadata",
}  # fmt: skip
"""What takes several milliseconds, or is another library's business."""

COSTLY = {
    "concurrent.futures", "dataclasses", "decimal", "difflib", "fractions", "hashlib", "hmac",
    "json", "logging", "msgpack", "pickle", "random", "shutil", "tempfile", "uuid", "xxhash",
    "zipfile", "zoneinfo",
}  # fmt: skip
"""What takes one or two."""

SERVER = "beautyspot_dashboard"
SUITES = "beautyspot_testing"  # nothing but tests imports it
"""No Spot imports it, and what it stands on imports most of these."""

AT_A_SPOT = {"sqlite3", "xxhash"}
"""Needed by the database, and for digests."""

AT_A_MARK = AT_A_SPOT | {
    "concurrent.futures", "dataclasses", "hashlib", "json", "logging", "msgpack",
}  # fmt: skip
"""Needed for keys and bytes, for threads, and to log what fails: then it may be too late."""


def loaded_by(program: str, folder: Path) -> set[str]:
    """What a program loads of these that starts with an empty interpreter."""
    return (_modules(program, folder) - _modules("pass", ROOT)) & (HEAVY | COSTLY)


@functools.cache
def _modules(program: str, folder: Path) -> frozenset[str]:
    command = [sys.executable, "-I", "-c", f"{program}\nimport sys; print(list(sys.modules))"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return frozenset(ast.literal_eval(done.stdout.splitlines()[-1]))


def test_importing_the_library_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_by("import beautyspot", tmp_path) == set()


@pytest.mark.parametrize("package", [each for each in BEYOND_CORE if each != SUITES])
def test_importing_a_member_imports_no_backend(package: str, tmp_path: Path) -> None:
    modules = _modules(f"import {package}", tmp_path)
    assert modules & HEAVY == set()
    assert [name for name in modules if name.startswith(f"{package}.")] == []


def test_a_spot_imports_a_database_and_the_scan(tmp_path: Path) -> None:
    program = "import beautyspot as bs; spot = bs.Spot('x', config=False)"
    assert loaded_by(program, tmp_path) <= AT_A_SPOT
    modules = _modules(program, tmp_path)
    late = (
        "calls.engine",
        "keys",
        "libraries",
        "limits.limiting",
        "resilience",
        "results",
        "tasks",
    )
    assert modules.isdisjoint({f"beautyspot.{module}" for module in late})
    assert "beautyspot_data.supports" not in _modules(program, tmp_path)


def test_a_library_of_data_is_imported_once_a_value_of_it_is_met(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "import beautyspot as bs\n"
        "spot = bs.Spot('x', config=False, strict=True)\n"
        "double = spot.mark(lambda x: x * 2)\n"
        "assert double((1, 2)) == double((1, 2)) == (1, 2, 1, 2)\n"
        "def loaded(): return sorted(n for n in sys.modules if 'data' in n and n[-5:] == 'types')\n"
        "print(loaded())\n"
        "from datetime import datetime\n"
        "from dateutil.tz import UTC\n"
        "spot.mark(lambda x: str(x))(datetime(2020, 1, 1, tzinfo=UTC))\n"
        "print(loaded())\n"
        "print(sorted({'numpy', 'pandas', 'polars', 'pyarrow', 'PIL'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['beautyspot_data.dateutil_types']", "[]"]


def test_a_call_imports_only_what_it_can_do_without_and_so_does_its_failure(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import logging, sys\n"
        "import beautyspot as bs\n"
        "logging.disable()\n"
        "spot = bs.Spot('x', blob_threshold=1000)\n"
        "@spot.mark\n"
        "def f(x): return bytes(x)\n"
        "g = bs.Spot('y', blob_threshold=1000).mark(f.__wrapped__)\n"
        "def fail(*args): raise OSError(24, 'Too many open files')\n"
        "before = set(sys.modules)\n"
        "f(1), f(1), f(5000), f(5000)\n"
        "spot.metadata._database = fail\n"
        "type(spot.storage).save = fail\n"
        "f(2), g(6000)\n"
        "spot.executor.submit(len, '').result()\n"
        "new = set(sys.modules) - before\n"
        "code = {'beautyspot.functions.code', 'dataclasses'}\n"
        "files = {'beautyspot.results.local_files', 'mmap', 'resource'}\n"
        "print(new - code - files)  # a blob is a file that is opened, too\n"
    )
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_start_that_finds_all_stored_parses_nothing(tmp_path: Path) -> None:
    """Though the code of each function is compared with the one that made its results."""
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "import beautyspot as bs\n"
        "spot = bs.Spot('x', config=False)\n"
        "@spot.mark\n"
        "def f(x): return x\n"
        "f(1), f(2)\n"
        "print('beautyspot.functions.code' in sys.modules, spot.stats()['hits'])\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said == ["True 0\n", "False 2\n"]


@pytest.mark.parametrize("use", ["mark", "limiter(max_concurrent=2)"])
def test_a_spot_logs_where_nothing_can_be_imported(use: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "import beautyspot as bs\n"
        "from beautyspot.logs import logger\n"
        "spot = bs.Spot('x', config=False)\n"
        "class Full:\n"
        "    def find_spec(self, *args): raise OSError(24, 'Too many open files')\n"
        "sys.meta_path.insert(0, Full())\n"
        "logger.warning('%s is lost', 'one')\n"
        "sys.meta_path.pop(0)\n"
        f"spot.{use}(len)\n"
        "sys.meta_path.insert(0, Full())\n"
        "logger.warning('%s is lost', 'another')\n"
        "sys.meta_path.pop(0)\n"
    )
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "beautyspot: one is lost\nanother is lost\n"


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
    assert loaded_by(program, tmp_path) <= AT_A_MARK


@pytest.mark.parametrize("package", [each for each in MEMBERS if each not in (SERVER, SUITES)])
def test_nothing_heavy_is_imported_at_the_top_of_a_module(package: str) -> None:
    """The programs above show the common ways; this shows every module.

    All but the modules of `beautyspot_data` that are imported once a value of their library is
    met, and what `spot.map` imports for a coroutine function.
    """
    free_to_import = ("beautyspot.testing", "beautyspot.batch.async_")
    of_libraries = {f"beautyspot_data.{support.module}" for support in SUPPORTS}
    free = {"sqlite3"}  # by the modules of the database, which a Spot imports
    found = [
        str(use)
        for module, path in files(package).items()
        if not module.startswith(free_to_import) and module not in of_libraries
        for use in imports(path)
        if use.top_level and not use.types_only and use.module in HEAVY - free
    ]
    assert found == []
