"""The programs of "Where the work runs": pools, joblib, Dask and Ray meet in one store."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from workspace.sources import ROOT

EXAMPLES = ROOT / "docs" / "examples" / "workers"
DEADLINE = 240.0


def ran(folder: Path, library: str, **environment: str) -> int:
    """How many calls ran in the program of a library, which ends well."""
    if library != "futures" and find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BEAUTYSPOT")}
    quiet = {"DASK_LOGGING__DISTRIBUTED": "critical", "RAY_AUTH_MODE": "disabled"}
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", f"with_{library}.py"],
        cwd=folder, env={**kept, **quiet, **environment}, timeout=DEADLINE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lists = re.findall(r"^\[.*\]$", done.stdout, re.MULTILINE)
    assert set(lists) == {"[2, 3, 4]"}, done.stdout
    return done.stdout.count("working on")


def test_a_pool_of_processes(tmp_path: Path) -> None:
    assert ran(tmp_path, "futures") == 3


@pytest.mark.slow
@pytest.mark.parametrize("library", ["joblib", "dask", "ray"])
def test_each_library_runs_each_call_once(tmp_path: Path, library: str) -> None:
    times = ran(tmp_path, library)
    assert times == 3 or (library == "ray" and times < 3)  # whose log may lose its end
    assert ran(tmp_path, "futures") == 0


LARGE = """
import beautyspot as bs
import numpy as np
from joblib import Parallel, delayed

spot = bs.Spot("large")


@spot.mark
def total(a: np.ndarray) -> tuple[str, float]:
    return type(a).__name__, float(a.sum())


if __name__ == "__main__":
    arrays = [np.full(200_000, x, float) for x in (1, 2)]
    maps = Parallel(n_jobs=2)(delayed(total)(a) for a in arrays)
    assert maps == [("memmap", 200_000.0), ("memmap", 400_000.0)], maps
    assert [total(a) for a in arrays] == maps, "a hit in the parent, too"
    for_writing = Parallel(n_jobs=2, max_nbytes=None)(delayed(total)(a + 2) for a in arrays)
    assert [kind for kind, _ in for_writing] == ["ndarray", "ndarray"]
"""


@pytest.mark.slow
def test_a_large_array_is_the_same_argument_in_a_worker_of_joblib(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("joblib")
    (tmp_path / "large.py").write_text(LARGE)
    done = subprocess.run(
        [sys.executable, "large.py"],
        cwd=tmp_path, timeout=DEADLINE, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("BEAUTYSPOT")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
