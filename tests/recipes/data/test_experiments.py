"""The grid of experiments: in processes, each score is computed once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from recipes.data.conftest import Copied
from workspace.sources import ROOT

DEADLINE = 240.0


def computed(copied: Copied, name: str = "experiments.py") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=copied.folder, env=copied.environment(), timeout=DEADLINE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0]


POOL = """\
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(spot.map(scores, *zip(*grid, strict=True), executor=pool, progress=True))
"""
"""What the recipe says to replace."""

JOBLIB = """\
    from joblib import Parallel, delayed

    found = Parallel(n_jobs=-1)(delayed(scores)(*each) for each in grid)
"""
DASK = """\
    from dask.distributed import Client

    with Client() as client:
        found = list(spot.map(scores, *zip(*grid), executor=client.get_executor(pure=False)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "instead"), [("joblib", JOBLIB), ("distributed", DASK)], ids=["joblib", "dask"]
)
def test_the_script_itself_runs_with_what_the_page_puts_in_the_place_of_its_pool(
    copied: Copied, library: str, instead: str
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip(library)
    page = (ROOT / "docs" / "recipes" / "experiments.md").read_text(encoding="utf-8")
    assert instead in page
    copied.copy("experiments.py")
    copied.edit("experiments.py", POOL, instead)
    assert computed(copied) == "15 of 15 have to run"
    assert computed(copied) == "0 of 15 have to run"


@pytest.mark.slow
def test_a_grid_that_grows_computes_what_is_new(copied: Copied) -> None:
    pytest.importorskip("sklearn")
    copied.copy("experiments.py")
    assert computed(copied) == "15 of 15 have to run"
    assert computed(copied) == "0 of 15 have to run"
    copied.edit("experiments.py", "(5, 10, None)", "(5, 10, 20, None)")
    copied.edit("experiments.py", "range(3)", "range(4)")
    assert computed(copied) == "9 of 24 have to run"
    (copied.folder / "parallel.py").write_text(
        "from experiments import *\n"
        "from joblib import Parallel, delayed\n"
        "if __name__ == '__main__':\n"
        "    grid = product(MODELS, [DATA], SEEDS)\n"
        "    print(len(Parallel(n_jobs=2)(delayed(scores)(*each) for each in grid)))\n"
        "    print(spot.stats()['entries'])\n"
    )
    assert computed(copied, "parallel.py") == "24"
    assert computed(copied) == "0 of 24 have to run"
