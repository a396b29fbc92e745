"""`beautyspot why`."""

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


@pytest.fixture
def large(shop: Path) -> str:
    """The key of the call with another model than the one before."""
    with bs.open_store(shop) as store:
        return next(store.rows("newest", function="shop:ask")).cache_key


def test_the_argument_that_tells_a_call_from_the_nearest(run: Run, large: str) -> None:
    run_line, arguments, nearest, others, why = run("why", large).stdout.splitlines()
    assert run_line.startswith(f"run: {large}, made")
    assert nearest.startswith("nearest: ")
    assert "large" in arguments
    assert "small" in others
    assert why == "why: the nearest earlier result differs in argument model"


@pytest.mark.parametrize("name", ["shop:ask", "ask"])
def test_the_runs_of_a_function(run: Run, shop: Path, name: str) -> None:
    found = rows(run("why", name))
    assert len(found) == 4
    assert found[0]["DIFFERS IN"] == "argument model"
    assert (found[-1]["DIFFERS IN"], found[-1]["NEAREST"]) == ("-", "-")
    told = [json.loads(line) for line in run("why", name, "-n", "2", "--json").stdout.splitlines()]
    assert [one["schema"] for one in told] == [1, 1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Missing argument"),
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
    assert "nearest:" not in told
    assert json.loads(run("why", first, "--json").stdout)["nearest"] is None
