"""`beautyspot why`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def large(shop: Path) -> str:
    """The key of the call with another model than the one before."""
    with bs.open_store(shop) as store:
        return next(store.rows("newest", function="shop:ask")).cache_key


def test_the_argument_that_tells_a_call_from_the_nearest(run: Run, large: str) -> None:
    told = run("why", large).stdout.splitlines()
    assert told[0].startswith("why\t")
    assert "argument model" in told[0]
    assert [line.split("\t")[0] for line in told].count("arguments") == 2
    assert f"run\t{large} of shop:ask" in told
    assert [line for line in told if line.startswith("nearest\t")]


@pytest.mark.parametrize("name", ["shop:ask", "ask"])
def test_the_runs_of_a_function(run: Run, shop: Path, name: str) -> None:
    lines = run("why", "-q", name).stdout.splitlines()
    assert len(lines) == 4
    assert "argument model" in lines[0]
    first = lines[-1].split("\t")
    assert first[2:4] == ["-", "-"]
    told = [json.loads(line) for line in run("why", name, "-n", "2", "--json").stdout.splitlines()]
    assert [one["schema"] for one in told] == [1, 1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Missing argument"),
        (["."], 2, "why what? give a KEY"),
        (["0123456789ab"], 1, "begins with 0123456789ab"),
        (["shop:aks"], 1, "Did you mean 'shop:ask'?"),
    ],
)
def test_no_such_call(run: Run, shop: Path, words: list[str], status: int, said: str) -> None:
    assert said in run("why", *words, status=status).stderr


def test_the_first_call_of_all_has_no_nearest(run: Run, shop: Path) -> None:
    with bs.open_store(shop) as store:
        first = next(store.rows("oldest", function="shop:ask")).cache_key
    told = run("why", first).stdout
    assert "this was the first" in told
    assert "nearest\t" not in told
    assert json.loads(run("why", first, "--json").stdout)["nearest"] is None
