"""Results side by side: `Store.compare`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import beautyspot as bs
import pytest


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bs.Store]:
    """Answers to prompts, of which two differ where the row has cut them."""
    folder = tmp_path_factory.mktemp("compared")

    def ask(prompt: str, n: int = 1, model: str = "small", key: int = 0) -> dict[str, object]:
        poem = [f"line {number}" for number in range(30)]
        poem[n] = f"another {n}"
        return {"poem": "\n".join(poem), "score": float(n), "same": [1], "nan": float("nan")}

    with bs.Spot("compared", directory=folder, config=False) as spot:
        marked = spot.mark(ask, name="lab:ask", save_blob=True)
        for n in range(1, 7):
            marked("x" * 500 + str(n) + "x" * 500, n)
        spot.mark(lambda: 7, name="lab:other")()
    with bs.open_store(folder, config=False) as store:
        yield store


def test_what_differs_comes_first_and_texts_line_by_line(compared: bs.Store) -> None:
    rows = list(compared.rows("oldest", function="lab:ask", limit=3))
    found = compared.compare([rows[0], rows[1].cache_key, rows[2].cache_key[:12]])
    assert [run.record.cache_key for run in found.runs] == [row.cache_key for row in rows]
    assert found.columns[:6] == ("prompt", "n", "poem", "score", "key", "model")
    assert set(found.columns[-5:]) == {"made", "took", "price", "version", "size"}
    assert found.arguments == ("prompt", "n", "model", "key")
    assert {"prompt", "n", "poem", "score"} <= found.differs
    assert not {"model", "same", "nan", "key", "version"} & found.differs
    assert list(found.diffs) == ["prompt", "poem"]
    changes = [
        line for line in found.diffs["poem"] if line[0] in "+-" and line[:2] not in ("--", "++")
    ]
    assert changes == [
        *("-another 1", "-line 2", "+line 1", "+another 2"),
        *("-another 1", "+line 1", "-line 3", "+another 3"),
    ]  # fmt: skip
    assert "score" not in found.diffs


def test_results_of_two_functions_have_what_each_has(compared: bs.Store) -> None:
    (other,) = compared.rows(function="lab:other")
    (ask,) = compared.rows(function="lab:ask", limit=1)
    found = compared.compare([ask, other])
    assert {"n", "value"} <= found.differs
    assert "value" not in found.runs[0].cells
    assert found.diffs["poem"] == found.diffs["prompt"] == []


@pytest.mark.parametrize("number", [0, 1, 6])
def test_two_to_five_results_are_compared(compared: bs.Store, number: int) -> None:
    rows = list(compared.rows(function="lab:ask", limit=number or None))[:number]
    with pytest.raises(bs.ConfigError, match="give two to five keys"):
        compared.compare(rows)
    with pytest.raises(bs.RecordNotFound):
        compared.compare(["f" * 32] * 2)


def test_long_texts_are_compared_as_far_as_time_allows(tmp_path: Path) -> None:
    with bs.Spot("long", directory=tmp_path, config=False) as spot:
        made = spot.mark(lambda n: "".join(f"{line % n}\n" for line in range(40_000)), name="lab:l")
        made(2), made(3)
    with bs.open_store(tmp_path, config=False) as store:
        found = store.compare(list(store.rows()))
    assert 100 < len(found.diffs["value"]) <= 2010
