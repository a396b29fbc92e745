"""Results of a function as a table: `Store.runs`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from core.inspecting.stored import make, row
from rows import put_rows

NAN = float("nan")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bs.Store]:
    """A sweep: of each `c` and `kernel` a result."""
    folder = tmp_path_factory.mktemp("swept")

    def sweep(c: float, kernel: str = "rbf", size: int | None = None) -> dict[str, Any]:
        score = {1: 0.25, 2: NAN, 3: 0.75}[int(c)]
        return {"score": score, "kernel": kernel.upper(), "by": {"fold": [score, 1]}, "note": "n"}

    with bs.Spot("swept", directory=folder, config=False) as spot:
        marked = spot.mark(sweep, name="lab:sweep", price=lambda found: found["score"])
        for c in (1, 2, 3):
            marked(c), marked(c + 0.5, "linear", 7)
        spot.mark(lambda: 1, name="lab:other")()
    with bs.open_store(folder, config=False) as store:
        yield store


def column(table: bs.Runs, name: str) -> list[bs.Cell]:
    return [run.cells.get(name) for run in table.runs]


def test_arguments_fields_and_the_row_are_columns(swept: bs.Store) -> None:
    table = swept.runs("sweep")
    assert table.arguments == ("c", "kernel", "size")
    assert table.columns == (
        *("key", "made", "took", "price", "c", "kernel", "size"),
        *("score", "result.kernel", "by.fold", "note"),
    )
    assert (table.total, len(table.runs)) == (6, 6)
    newest = table.runs[0]
    assert newest.record.arguments == "c=3.5, kernel='linear', size=7"
    assert newest.cells["result.kernel"] == "LINEAR"
    assert newest.cells["by.fold"] == "[0.75, 1]"
    assert newest.cells["size"] == 7  # the argument, not the bytes
    assert newest.cells["key"] == newest.record.cache_key


def test_the_columns_that_are_chosen_stand_in_that_order(swept: bs.Store) -> None:
    assert swept.runs("sweep", columns=["score", "c"]).columns == ("score", "c")


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("c", [1, 1.5, 2, 2.5, 3, 3.5]),
        ("-c", [3.5, 3, 2.5, 2, 1.5, 1]),
        ("score", [1.5, 1, 3.5, 3, 2.5, 2]),
        ("-score", [3.5, 3, 1.5, 1, 2.5, 2]),
        ("-kernel", [3, 2, 1, 3.5, 2.5, 1.5]),
        ("size", [3.5, 2.5, 1.5, 3, 2, 1]),
        ("oldest", [1, 1.5, 2, 2.5, 3, 3.5]),
    ],
)
def test_orders_in_which_nothing_comes_last(swept: bs.Store, sort: str, found: list[float]) -> None:
    assert column(swept.runs("sweep", sort=sort), "c") == found


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["c > 1"], [3.5, 3, 2.5, 2, 1.5]),
        (["c >= 1.5", "c<3"], [2.5, 2, 1.5]),
        (["kernel = rbf"], [3, 2, 1]),
        (["kernel == 'rbf'", "c != 2"], [3, 1]),
        (["score >= 0.7"], [3.5, 3]),
        (["score < 1", "kernel = linear", "c > 1.5"], [3.5]),
        (["size = None"], [3, 2, 1]),
        (["size != None"], [3.5, 2.5, 1.5]),
        (["result.kernel=RBF"], [3, 2, 1]),
        (["kernel != 1"], [3.5, 3, 2.5, 2, 1.5, 1]),
        (["note = x"], []),
        (["kernel = \x1b[31m"], []),
    ],
)
def test_conditions_on_what_went_in_and_what_came_out(
    swept: bs.Store, conditions: list[str], found: list[float]
) -> None:
    table = swept.runs("sweep", conditions=conditions, limit=100)
    assert column(table, "c") == found
    assert table.total == len(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"conditions": ["c"]},
            'write a column, one of = != < <= > >=, and a value, such as "c > 1"',
        ),
        ({"conditions": [7]}, "7 is no condition"),
        ({"conditions": ["> 1"]}, "is no condition"),
        ({"conditions": ["c > 1 and kernel = rbf"]}, "c holds numbers, and this is none"),
        ({"conditions": ["kernel = 1"]}, "kernel holds texts"),
        ({"conditions": ["c = 'x'"]}, "one condition at a time"),
        ({"conditions": ["score < None"]}, "score holds numbers"),
        ({"conditions": ["scor > 1"]}, "a column 'scor'. Did you mean 'score'?"),
        ({"sort": "-cc"}, "a column 'cc'. Did you mean 'c'? There are: key, made"),
        ({"columns": ["kernle"], "limit": 1}, "a column 'kernle'"),
        ({"function_": 1}, "function_"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(
    swept: bs.Store, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(bs.ConfigError) as caught:
        swept.runs("sweep", **given)
    assert said in str(caught.value)


def test_pages_and_the_number_of_all(swept: bs.Store) -> None:
    table = swept.runs("sweep", sort="c", conditions=["c > 1"], offset=1, limit=2)
    assert (column(table, "c"), table.total) == ([2, 2.5], 5)
    assert swept.runs("sweep", older="1h", conditions=["nothing > 1"]).total == 0
    assert [run.cells["value"] for run in swept.runs("lab:other").runs] == [1]


@pytest.mark.parametrize(
    ("given", "decoded"),
    [
        ({"columns": ["c"], "sort": "-c", "conditions": ["c > 1"]}, 0),
        ({"limit": 2}, 2),
        ({"columns": ["score"], "limit": 2}, 2),
        ({"sort": "score", "limit": 2}, 6),
        ({"conditions": ["c > 2", "score > 0"], "limit": 1}, 3),
    ],
)
def test_what_is_asked_for_is_decoded_once(
    swept: bs.Store, given: dict[str, Any], decoded: int
) -> None:
    seen: list[bs.TaskRecord] = []

    def fields(rows: Sequence[bs.TaskRecord]) -> Sequence[Mapping[str, bs.Cell]]:
        seen.extend(rows)
        assert all(row.result_data for row in rows)
        return swept.fields(rows)

    table = swept.runs("sweep", fields=fields, **given)
    assert len(seen) == len({row.cache_key for row in seen}) == decoded
    assert ("score" in table.runs[0].cells) is bool(decoded)


def test_rows_are_decoded_far_from_their_store(swept: bs.Store) -> None:
    def fields(rows: Sequence[bs.TaskRecord]) -> Sequence[Mapping[str, bs.Cell]]:
        with bs.open_store("memory://", config=False) as other:
            return other.fields([bs.TaskRecord(*row) for row in rows])

    assert swept.runs("sweep", sort="score", fields=fields).columns == swept.runs("sweep").columns


def test_what_others_have_is_found_beyond_the_page(tmp_path: Path) -> None:
    with bs.Spot("few", directory=tmp_path, config=False) as spot:
        made = spot.mark(lambda n: {"error": "late"} if n == 0 else {"n": n}, name="lab:made")
        for n in range(3):
            made(n)
    with bs.open_store(tmp_path, config=False) as store:
        table = store.runs("made", columns=["n", "error"], limit=2)
    assert (table.columns, column(table, "error")) == (("n", "error"), [None, None])


def test_a_csv_is_computed_by_no_spreadsheet(tmp_path: Path) -> None:
    evil = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\uff1d1", '=a"b,\nc']
    with bs.Spot("evil", directory=tmp_path, config=False) as spot:
        marked = spot.mark(lambda given, **more: given, name="lab:evil")
        for each in evil:
            marked(each, **{"=cmd": -5})
    with bs.open_store(tmp_path, config=False) as store:
        table = store.runs("evil", columns=["given", "=cmd", "value"], sort="oldest")
        lines = list(csv.reader(StringIO("".join(table.csv()), newline="")))
    assert lines[0] == ["given", "'=cmd", "value"]
    assert [line[0] for line in lines[1:]] == [f"'{each}" for each in evil]
    assert {line[1] for line in lines[1:]} == {"-5"}


def test_a_csv_is_written_line_by_line(swept: bs.Store) -> None:
    lines = swept.runs("sweep", columns=["c", "size"], limit=2).csv()
    assert list(lines) == ["c,size\n", "3.5,7\n", "3,\n"]


HOSTILE = {
    "huge": b"\xc4\x00",
    "nested": b"\x91" * 100_000 + b"\x01",
    "cut": b"\x81\xa1",
    "empty": b"",
}


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_what_can_not_be_read_has_no_fields_and_stops_nothing(kind: str, tmp_path: Path) -> None:
    metadata = make(kind, tmp_path)
    rows = [
        row(n, result_data=data, size=len(data), arguments=f"n={n}, name='{name}'")
        for n, (name, data) in enumerate(HOSTILE.items(), 1)
    ]
    with bs.Spot("good", metadata=metadata, storage="memory", config=False) as spot:
        good = spot.mark(lambda n: {"score": n}, name="app:ask")
        good(9)
        put_rows(metadata, *rows)
        with bs.open_store(metadata, config=False) as store:
            table = store.runs("app:ask", sort="score")
    assert column(table, "score") == [9, None, None, None, None]
    assert column(table, "n") == [9, 1, 2, 3, 4]


def test_pictures_blobs_and_large_results_are_not_decoded(tmp_path: Path) -> None:
    with bs.Spot("large", directory=tmp_path, config=False) as spot:
        spot.mark(lambda: {"a": 1}, name="lab:each", save_blob=True, version=1)()
        spot.mark(lambda: "<svg/>", name="lab:each", content_type="image/svg+xml", version=2)()
        spot.mark(lambda: {"a": "x" * 2_000_000}, name="lab:each", save_blob=False, version=3)()
        spot.mark(lambda: {"a": 2}, name="lab:each", version=4)()
    with bs.open_store(tmp_path, config=False) as store:
        table = store.runs("each", sort="version")
    assert column(table, "a") == [None, None, None, 2]
    assert "value" not in table.columns


def test_a_result_that_nobody_signed_has_no_fields(tmp_path: Path) -> None:
    with bs.Spot("s", directory=tmp_path, config=False) as spot:
        spot.mark(lambda: {"score": 1}, name="lab:s")()
    with bs.open_store(tmp_path, config=False, signing_key="k" * 32) as store:
        (run,) = store.runs("lab:s", columns=["key", "took"]).runs
        assert "score" not in store.runs("lab:s").columns
        assert run.cells["key"] == run.record.cache_key


def test_how_long_a_function_takes(tmp_path: Path) -> None:
    metadata = make("memory", tmp_path)
    put_rows(
        metadata, *(row(n, took=float(n)) for n in range(1, 101)), row(101, "x:[a]", took=None)
    )
    with bs.open_store(metadata, config=False) as store:
        assert store.typical("app:ask") == (51, 96)
        assert store.typical("x:[a]") is None
        assert store.typical("app:*") is None
