"""From a CSV file to a table of sales in three stages; each runs once for what it is given."""

from pathlib import Path

import beautyspot as bs
import pandas as pd

spot = bs.Spot("pipeline")
ORDERS = Path("orders.csv")
SAMPLE = """order,day,amount
1,2026-01-03,12.0
2,2026-01-17,24.0
2,2026-01-17,24.0
3,2026-02-02,
4,2026-02-09,36.0
"""


# The file counts by its content: a new name or date runs nothing, a new line does.
@spot.mark(version="auto", key={"path": bs.KeyGen.from_file_content})
def load(path: Path) -> pd.DataFrame:
    """Read the orders."""
    print("load runs")
    return pd.read_csv(path, parse_dates=["day"])


# A frame counts by its content, too.
@spot.mark(version="auto")
def clean(orders: pd.DataFrame) -> pd.DataFrame:
    """Drop what has no amount, and what was sent twice."""
    print("clean runs")
    return orders.dropna(subset="amount").drop_duplicates("order").reset_index(drop=True)


@spot.mark(version="auto")
def sales(orders: pd.DataFrame, tax: float) -> pd.DataFrame:
    """Sum up the months, without tax."""
    print("sales runs")
    net = orders["amount"] / (1 + tax)
    return net.groupby(orders["day"].dt.strftime("%Y-%m")).sum().round(2).reset_index()


# Each result is a Parquet file of its own, which other programs open as well.
@spot.mark(version="auto", save_blob=True, content_type="application/vnd.apache.parquet")
def exported(table: pd.DataFrame) -> bytes:
    """Make a file of the table."""
    return table.to_parquet()


if __name__ == "__main__":
    if not ORDERS.exists():
        ORDERS.write_text(SAMPLE)
    table = sales(clean(load(ORDERS)), tax=0.2)
    print(table)
    exported(table)
    stored = spot.peek(exported, table)
    print("open it elsewhere:", stored and stored.location)
