"""What cron runs: the program, and the lines of the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import beautyspot as bs
from recipes.data.conftest import Copied
from workspace.sources import ROOT

FOLDER = "/home/me/project"


def filled(folder: Path) -> None:
    """Ten results of 50 kB in one store, one that has expired in another, and an orphan."""
    with bs.Spot("app", directory=folder) as spot, bs.Spot("other", directory=folder) as other:
        report = spot.mark(name="app:report", save_blob=True)(lambda number: bytes(50_000))
        for number in range(10):
            report(number)
        other.mark(name="other:now", ttl="1 ms")(lambda: 1)()


def entries(folder: Path) -> dict[str, int]:
    stores = bs.open_stores(folder)
    totals = {Path(store.place).name: len(list(store.rows())) for store in stores}
    for store in stores:
        store.close()
    return totals


def test_the_program_keeps_a_folder_under_its_limits(copied: Copied) -> None:
    copied.copy("keep_small.py")
    folder = copied.folder / ".beautyspot"
    filled(folder)
    [said] = copied.run("keep_small.py")
    assert said.startswith(f"{folder / 'other.db'}: 1 results (0.0 MB) went: 1 had expired")
    copied.edit("keep_small.py", '"5 GB"', '"200 kB"')
    [said] = copied.run("keep_small.py")
    assert ": 7 results (0.4 MB) went: 0 had expired, 0 were unused for 30 days, 7 were" in said
    assert entries(folder) == {"app.db": 3, "other.db": 0}
    copied.edit("keep_small.py", '"*:thumbnail", older_than="7d"', '"*:report", older_than=0')
    assert copied.run("keep_small.py") == []
    assert entries(folder) == {"app.db": 0, "other.db": 0}


def test_the_lines_of_a_crontab_run(copied: Copied) -> None:
    page = (ROOT / "docs" / "recipes" / "cron.md").read_text(encoding="utf-8")
    lines = re.findall(rf"^\d+ 4 \* \* \*  {FOLDER}/.venv/bin/beautyspot (.*)$", page, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["prune", "collect"]
    filled(copied.folder / ".beautyspot")
    for line in lines:
        arguments = line.replace(FOLDER, str(copied.folder)).replace("5GB", "200kB").split()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "beautyspot", *arguments, "--name", "app"],
            env=copied.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert entries(copied.folder / ".beautyspot")["app.db"] == 3
