"""Frames, tables and files of rows, in pages."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from dashboard.gallery import opened
from dashboard.reading import links, words

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboard.gallery import Gallery

DAY = dt.datetime(2026, 1, 2)  # noqa: DTZ001 - columns without a zone
COLUMNS = {"n": [1, 2, 3], "x": [0.5, None, 2.5], "s": ["a", None, "<b>"], "t": [DAY, None, DAY]}

CSV = {
    "plain": "name,age\nAda,36\nAlan,41\n",
    "semicolons": "name;age\nAda;36\n",
    "marked": "\ufeffname,age\nAda,36\n",
    "ragged": "name,age\nAda\nAlan,41,more\n",
    "quoted": 'name,note\nAda,"one\ntwo, three"\n',
    "nothing": "",
    "nul": "name,age\nA\0da,36\n",
    "latin": b"name,age\nJos\xe9,36\n",
    "many": "n,text\n" + "".join(f'{n},"row\n{n}"\n' for n in range(350)),
    "wide": ",".join(f"c{n}" for n in range(70)) + "\n" + ",".join(map(str, range(70))) + "\n",
    "open": 'a,b\n"' + ("x" * 999 + "\n") * 140,
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("tables")) as found:
        labels = pd.MultiIndex.from_tuples([("r", 1), ("r", 2), ("q", 1)])
        found.put("pandas", pd.DataFrame(COLUMNS, index=labels))
        found.put("series", pd.Series([1, 2], name="height"))
        found.put("polars", pl.DataFrame(COLUMNS))
        found.put("polars series", pl.Series("height", [1, None]))
        found.put("arrow", pa.table(COLUMNS))
        found.put("large", pd.DataFrame(np.arange(48000.0).reshape(200, 240)))
        found.put("no columns", pd.DataFrame(index=range(3)))
        found.put("no rows", pl.DataFrame({"a": []}))
        found.put("within", {"frame": pl.DataFrame({"a": [7]}), "pandas": pd.DataFrame({"a": [7]})})
        for name, text in CSV.items():
            kind = "text/tab-separated-values" if name == "tabs" else "text/csv; charset=utf-8"
            found.put(name, text, kind)
        frame = pl.DataFrame({"n": range(1000), "s": ["x", None] * 500})
        frame.write_parquet(written := BytesIO())
        found.put("parquet", written.getvalue(), "application/vnd.apache.parquet")
        found.put("parquet?", b"PAR1 and no more PAR1", "application/x-parquet")
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, pa.table(COLUMNS).schema) as writer:
            writer.write_table(pa.table(COLUMNS))
        found.put("stream", stream.getvalue().to_pybytes(), "application/vnd.apache.arrow.stream")
        yield found


@pytest.mark.parametrize(
    ("name", "kind", "head", "first", "second"),
    [
        (
            "pandas",
            "pandas DataFrame · 3 × 4",
            "n int64 x float64 s str t datetime64[us]",
            "r · 1 1 0.5 a 2026-01-02 00:00:00",
            "r · 2 2 nan nan NaT",
        ),
        ("series", "pandas Series · 2 × 1", "height int64", "0 1", "1 2"),
        (
            "polars",
            "polars DataFrame · 3 × 4",
            "n Int64 x Float64 s String t Datetime",
            "0 1 0.5 a 2026-01-02 00:00:00",
            "1 2 null null null",
        ),
        ("polars series", "polars Series · 2 × 1", "height Int64", "0 1", "1 null"),
        (
            "arrow",
            "pyarrow Table · 3 × 4",
            "n int64 x double s string t timestamp[us]",
            "0 1 0.5 a 2026-01-02 00:00:00",
            "1 2 null null null",
        ),
    ],
)  # fmt: skip
def test_a_frame_is_a_table(
    gallery: Gallery, name: str, kind: str, head: str, first: str, second: str
) -> None:
    page = gallery.page(name)
    for text in (kind, head, first, second):
        assert text in words(page)
    assert "<b>" not in page
    assert '<td class="number' in page
    if name != "series":
        assert " null" in page


def test_rows_come_in_pages_with_the_first_columns(gallery: Gallery) -> None:
    page = gallery.page("large")
    assert "Rows 0 to 99 of 200, counted from 0" in words(page)
    assert "The first 200 of 240 columns." in words(page)
    below = gallery.page("large", links(page, "Next")[0])
    assert "100 24000.0 24001.0" in words(below)
    assert "24199.0 101 24240.0" in words(below)
    assert "Rows 100 to 199 of 200" in words(below)
    assert links(below, "Previous")
    assert not links(below, "Next")
    assert "There are no rows here" in words(gallery.page("large", "?from=5000"))


def test_empty_tables_say_so(gallery: Gallery) -> None:
    assert "Columns: a There are no rows" in words(gallery.page("no rows"))
    assert "Rows 0 to 2 of 3" in words(gallery.page("no columns"))


def test_a_frame_within_a_value_is_a_link_away(gallery: Gallery) -> None:
    page = gallery.page("within")
    assert "frame 1 × 1 DataFrame all of it pandas 1 × 1 DataFrame all of it" in words(page)
    assert "a Int64 0 7" in words(gallery.page("within", links(page, "all of it")[0]))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain", "CSV · 2 rows, 2 columns As text Row name age 0 Ada 36 1 Alan 41"),
        ("semicolons", "Row name age 0 Ada 36"),
        ("marked", "Row name age 0 Ada 36"),
        ("ragged", "CSV · 2 rows, 3 columns As text Row name age 0 Ada 1 Alan 41 more"),
        ("quoted", "0 Ada one two, three"),
        ("nothing", "There are no rows"),
        ("nul", "0 A␀da 36"),
        ("latin", "0 Jos\ufffd 36"),
        ("open", "This is not what it is said to be"),
    ],
)
def test_csv_is_a_table(gallery: Gallery, name: str, shown: str) -> None:
    assert shown in words(gallery.page(name))


def test_csv_comes_in_pages(gallery: Gallery) -> None:
    first = gallery.page("many")
    assert "99 99 row 99 Rows 0 to 99 of 350, counted from 0" in words(first)
    second = gallery.page("many", links(first, "Next")[0])
    last = gallery.page("many", links(second, "Last")[0])
    assert "349 349 row 349 Rows 300 to 349 of 350" in words(last)
    assert not links(last, "Next")


def test_a_parquet_file_is_read_by_row_groups(gallery: Gallery) -> None:
    page = words(gallery.page("parquet", "?from=900"))
    assert "Parquet · 1,000 × 2" in page
    assert "n int64 s " in page
    assert "900 900 x 901 901 null" in page
    assert "Rows 900 to 999 of 1,000" in page


@pytest.mark.usefixtures("processes")
def test_that_is_done_in_a_process_of_its_own(gallery: Gallery) -> None:
    assert "900 900 x 901 901 null" in words(gallery.page("parquet", "?from=900"))
    assert "can't be read as Parquet" in words(gallery.page("parquet?"))


def test_an_arrow_file_is_a_table(gallery: Gallery) -> None:
    page = words(gallery.page("stream"))
    assert "Arrow · 3 × 4" in page
    assert "x double s string t timestamp[us] 0 1 0.5 a" in page


def test_without_the_library_it_is_named(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    from beautyspot import NotInstalled

    missing = NotInstalled("pandas", "DataFrame", 1200)
    monkeypatch.setattr("beautyspot.Store.value", lambda *_: {"a": missing})
    for query in ("", "?at=0"):
        page = words(gallery.page("within", query))
        assert "install pandas where the dashboard runs to see it DataFrame" in page
