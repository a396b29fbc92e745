"""`beautyspot stats`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from cli.conftest import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

HOUR = 490_000  # 2025-11-24 16:00 UTC


@pytest.fixture
def counted(shop: Path) -> Path:
    """A store with counts of three hours on two days."""
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        spot.metadata.add_counts(
            [
                bs.Counts("old:ask", HOUR, 10, 2, 0, 100.0, 20.0, 1.5, 0.3),
                bs.Counts("old:ask", HOUR + 1, 5, 1, 1, 50.0, 10.0, 0.75, 0.15),
                bs.Counts("old:sum", HOUR + 48, 0, 3, 0, 0.0, 0.5),
            ]
        )
    return shop


def test_by_function_with_what_it_comes_to(counted: Path, run: Run) -> None:
    done = run("stats", "old:*")
    names = [
        "FUNCTION", "HITS", "RUNS", "FAILURES", "TIME SAVED", "TIME SPENT", "MONEY SAVED",
        "MONEY SPENT",
    ]  # fmt: skip
    cells = [
        ["old:ask", "15", "3", "1", "2 min 30 s", "30 s", "2.25", "0.45"],
        ["old:sum", "-", "3", "-", "-", "0.5 s", "-", "-"],
    ]
    assert rows(done) == [dict(zip(names, line, strict=True)) for line in cells]
    assert "15 of 21 calls were hits, which saved 2 min 30 s and 2.25" in done.stderr


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("hour", ["2025-11-24T16:00:00Z", "2025-11-24T17:00:00Z", "2025-11-26T16:00:00Z"]),
        ("day", ["2025-11-24", "2025-11-26"]),
        ("week", ["2025-11-24"]),
        ("function", ["old:ask", "old:sum"]),
    ],
)
def test_by_hour_and_day(counted: Path, run: Run, by: str, names: list[str], utc: None) -> None:
    told = json.loads(run("stats", "old:*", "--by", by, "--json").stdout)
    assert (told["schema"], told["by"]) == (1, by)
    assert [line[by] for line in told["lines"]] == names
    assert told["total"]["hits"] == 15


@pytest.mark.parametrize("by", ["hour", "day"])
def test_an_hour_that_no_calendar_has_is_not_known(counted: Path, run: Run, by: str) -> None:
    with bs.Spot("shop", directory=counted / ".beautyspot", config=False) as spot:
        spot.metadata.add_counts([bs.Counts("odd:f", 10**15, hits=1)])
    assert rows(run("stats", "odd:*", "--by", by)) == [{"HITS": "1"}]
    [line] = json.loads(run("stats", "odd:*", "--by", by, "--json").stdout)["lines"]
    assert line[by] == "-"


def test_since_leaves_out_what_was_before(counted: Path, run: Run) -> None:
    [row] = rows(run("stats", "old:*", "--since", "2025-11-25"))
    assert row["FUNCTION"] == "old:sum"
    said = run("stats", "old:*", "--since", "1d").stderr
    assert "nothing was counted" in said
    assert "once a minute" in said
    assert "--since 'soon'" in run("stats", "--since", "soon", status=2).stderr


def test_what_limits_did(counted: Path, run: Run) -> None:
    with bs.Spot("shop", directory=counted / ".beautyspot", config=False) as spot:
        did = bs.Counts("spot.limiter", HOUR, grants=7, waits=2, refusals=1, seconds_waited=90.0)
        spot.metadata.add_counts([did])
    done = run("stats", "--limits")
    names = ["FUNCTION", "GRANTS", "WAITS", "REFUSALS", "TIME WAITED"]
    cells = ["spot.limiter", "7", "2", "1", "1 min 30 s"]
    assert rows(done) == [dict(zip(names, cells, strict=True))]
    assert "in all 2 of 7 permits had to wait" in done.stderr
    assert "spot.limiter" not in run("stats").stdout
    assert "nothing was counted" in run("stats", "old:sum", "--limits").stderr
    told = json.loads(run("stats", "--json").stdout)
    assert (told["total"]["grants"], told["total"]["seconds_waited"]) == (7, 90.0)


def test_a_week_is_called_by_its_monday(shop: Path, run: Run, utc: None) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        hours = (HOUR - 20, HOUR + 24 * 6, HOUR + 24 * 7, 10**9)  # a Sunday, a Sunday, a Monday
        spot.metadata.add_counts([bs.Counts("old:ask", hour, 1) for hour in hours])
    told = json.loads(run("stats", "old:ask", "--by", "week", "--json").stdout)
    weeks = {line["week"]: line["hits"] for line in told["lines"]}
    assert weeks == {"-": 1, "2025-11-17": 1, "2025-11-24": 1, "2025-12-01": 1}


def test_how_long_half_of_the_results_took_and_most_of_them(shop: Path, run: Run) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        wait = spot.mark(lambda n: n, name="shop:wait")
        for n in range(3):
            wait(n)
        spot.flush()
    with bs.open_store(shop, config=False) as store:
        took = sorted(row.took or 0.0 for row in store.rows(function="shop:wait"))
    (line,) = json.loads(run("stats", "shop:wait", "--json").stdout)["lines"]
    assert (line["p50"], line["p95"]) == (took[1], took[2])
    assert {"P50", "P95"} <= set(rows(run("stats", "shop:ask"))[0])
    for more in (["--by", "day"], ["--limits"]):
        assert "P50" not in run("stats", *more).stdout
