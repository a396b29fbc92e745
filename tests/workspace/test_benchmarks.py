"""The benchmarks run, and say what they measured; how fast anything is, is no test's business."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


QUICK = ["hits", "misses", "threads"]
WHOLE = [*QUICK, "maps", "processes", "growth", "starting", "limiter", "permits"]


@pytest.mark.parametrize(
    "names", [QUICK, pytest.param(WHOLE, marks=pytest.mark.slow)], ids=["quick", "whole"]
)
def test_a_small_run_without_peers_answers_every_question(names, tmp_path):
    result, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text("before <!-- results: begin --> old <!-- results: end --> after")
    options = ["--small", "--no-peers", "--directory", tmp_path, "--json", result]
    options += ["--summary", page]
    done = run(*names, *options)
    assert done.returncode == 0, done.stderr

    tables = {table["key"]: table for table in json.loads(result.read_text())["tables"]}
    rows = {key: {row["name"]: row for row in table["rows"]} for key, table in tables.items()}
    assert rows["hit"].keys() >= {"sqlite3 SELECT", "beautyspot", "shelve"}
    assert all(row["seconds"] > 0 for row in rows["miss"].values())
    if names == WHOLE:
        assert rows["map-async"].keys() >= {"asyncio.gather under a semaphore", "spot.map"}
        assert all("target" in rows[key]["spot.map"] for key in ("map-hits", "map-async"))
        assert rows["processes"]["beautyspot"]["errors"] == 0
        assert {"beautyspot, 1,000", "beautyspot, 2,000"} <= rows["growth"].keys()
    assert not any("diskcache" in row for table in rows.values() for row in table)

    text = page.read_text()
    assert text.startswith("before")
    assert text.endswith("after")
    assert "old" not in text
    assert "| a miss of a coroutine function |" in text
    assert all(table["title"] in done.stdout for table in tables.values())
    assert list(tmp_path.glob("benchmark-*")) == []


@pytest.mark.slow
def test_a_checkout_is_measured_beside_another_one(tmp_path):
    done = run("beside", "--beside", ROOT, "--small", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| miss, background, stored |" in done.stdout


def test_the_help_needs_nothing_that_is_installed():
    command = [sys.executable, "-S", "-m", "benchmarks", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "permits" in done.stdout


def test_what_is_measured_is_what_the_documented_command_installs():
    from benchmarks.machine import MEMBERS

    folder = ROOT / "requirements"
    lines = (folder / "benchmark.txt").read_text().splitlines()
    assert {line.removeprefix("-e ./") for line in lines if line.startswith("-e")} == set(MEMBERS)
    assert "requirements/benchmark.in" in (folder / "export").read_text()
    named = re.findall(r"(?m)^[\w.-]+", (folder / "benchmark.in").read_text())
    pinned = {line.partition("==")[0] for line in lines}
    assert {name.replace(".", "-") for name in named} <= pinned


def test_every_peer_is_pinned_and_named_with_its_version():
    from benchmarks.adapters import limiters, peers
    from benchmarks.machine import DISTRIBUTIONS

    needed = {one.needs for one in [*peers.ON_DISK, peers.aiocache, *limiters.PEERS]} | {"tqdm"}
    pinned = {
        line.partition("==")[0]
        for line in (ROOT / "requirements" / "benchmark.txt").read_text().splitlines()
    }
    assert {name.replace(".", "-") for name in needed} <= pinned
    assert needed <= set(DISTRIBUTIONS)
