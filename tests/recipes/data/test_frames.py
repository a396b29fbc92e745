"""The pipeline of data frames: each stage runs when its file, its argument or its code changes."""

from __future__ import annotations

from recipes.data.conftest import Copied


def test_a_pipeline_runs_what_has_changed_and_nothing_else(copied: Copied) -> None:
    copied.copy("pipeline.py")
    first = copied.run("pipeline.py")
    assert first[:3] == ["load runs", "clean runs", "sales runs"]
    assert first[3:6] == ["       day  amount", "0  2026-01    30.0", "1  2026-02    30.0"]
    assert first[6].endswith(".parquet")

    orders = copied.folder / "renamed.csv"
    (copied.folder / "orders.csv").rename(orders)
    copied.edit("pipeline.py", '"orders.csv"', '"renamed.csv"')
    copied.edit("pipeline.py", "# A frame counts by its content, too.\n", "# Another comment.\n\n")
    assert copied.run("pipeline.py") == first[3:]

    copied.edit("pipeline.py", "tax=0.2)", "tax=0.25)")
    orders.write_text(orders.read_text().replace("12.0\n", "12.0 \n"))
    assert copied.ran("pipeline.py") == ["load", "sales"], "the frame is equal"

    copied.edit("pipeline.py", '.drop_duplicates("order")', '.query("amount > 12")')
    assert copied.ran("pipeline.py") == ["clean", "sales"]
