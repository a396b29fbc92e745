"""What limits did, by hour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot
    from starlette.testclient import TestClient

    Visit = Callable[..., TestClient]

HOUR = 490_000  # 2025-11-24 16:00 UTC


class Counting(MemoryMetadataStore):
    """A store that has these counts."""

    def __init__(self, *counts: bs.Counts) -> None:
        super().__init__()
        self.add_counts(counts)

    def now(self) -> float:
        return HOUR * 3600 + 1800.0


def page(visit: Visit, *counts: bs.Counts, query: str = "") -> str:
    client = visit(bs.open_store(Counting(*counts)))
    (link,) = {
        each.split('"')[0]
        for each in client.get("/").text.split('href="')
        if "/limits" in each[:60]
    }
    answer = client.get(link + query)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def row(text: str, name: str) -> list[str]:
    """The cells of the last row that begins so."""
    cells = text.rpartition(f'<th scope="row">{name}</th>')[2].partition("</tr>")[0]
    return [cell.partition("<")[0] for cell in cells.split('<td class="number">')[1:]]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


ASKED = bs.Counts("spot.limiter", HOUR, grants=1200, waits=4, refusals=2, seconds_waited=90.0)


def test_in_all(visit: Visit) -> None:
    earlier = bs.Counts("spot.limiter", HOUR - 23, grants=1, waits=1, seconds_waited=30.0)
    text = page(visit, ASKED, earlier, bs.Counts("app:only-marked", HOUR, hits=1))
    for head, number in {"Granted": "1,201", "Had to wait": "5", "Refused": "2"}.items():
        assert f"<dt>{head}</dt><dd>{number}</dd>" in text
    assert " stats --limits --by hour --since 24h" in text


def test_by_hour(visit: Visit) -> None:
    before = ASKED._replace(hour=HOUR - 24, grants=987_654)
    text = page(visit, ASKED, before)
    assert row(text, "2025-11-24 16:00") == ["1,200", "4", "2", "1 min 30 s", "22.5 s"]
    assert "987," not in text, "24 hours are these"
    said = "2025-11-24 16:00: 1,196 at once, 4 after a wait, 2 refused"
    assert f"<title>{said}</title>" in text
    assert "the highest bar: 1,202" in text


def test_the_rates_of_spots_of_this_process(
    visit: Visit, make_spot: Callable[..., Spot], tmp_path: Any
) -> None:
    limiter = [
        {"name": "requests", "use": "gcra", "rate": "600/min"},
        {"name": "tokens", "use": "gcra", "rate": "9000/min", "burst": 20.0},
    ]
    spot = make_spot(limiter=limiter)
    other = make_spot(directory=tmp_path / "other", limiter="7/s")
    client = visit(spots=[spot, other])
    text = client.get(f"/store/{spot.name}/limits").text
    for said in ("requests", "10/s", "each process by itself", "150/s", "20", "works"):
        assert said in text
    assert "7/s" not in text, "that is of another store"
