"""What goes on now in the process in which the dashboard is mounted."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot
    from starlette.testclient import TestClient

    Visit = Callable[..., TestClient]


@contextmanager
def under_way(spot: Spot, name: str = "app:slow") -> Iterator[None]:
    """A call that runs, and an equal one that waits for it, until the block ends."""
    goes_on = threading.Event()

    @spot.mark(name=name, key=lambda x: str(x))
    def slow(x: str) -> str:
        assert goes_on.wait(30)
        return x

    threads = [threading.Thread(target=slow, args=("a secret",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    pause = threading.Event()
    for _ in range(1000):
        now = spot.activity()
        if all(name in [each.function for each in calls] for calls in (now.running, now.waiting)):
            break
        pause.wait(0.01)
    try:
        yield
    finally:
        goes_on.set()
        for thread in threads:
            thread.join(30)


def words(text: str) -> str:
    return " ".join(text.split())


def test_calls_that_run_and_wait(visit: Visit, make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    client = visit(spots=spot)
    with under_way(spot):
        text = words(client.get("/now").text)
    assert "<dt>Run</dt><dd>1</dd>" in text
    assert '<th scope="row">app:slow</th><td>runs</td>' in text
    assert '<th scope="row">app:slow</th><td>waits for an equal call of this process</td>' in text
    assert spot.metadata.all_rows().__next__().cache_key[:12] in text
    assert "a secret" not in text
    idle = words(client.get("/now").text)
    assert "No call runs, and none waits." in idle
    assert "Load it anew" in idle, "without scripts"
    assert f">{spot.name}</h2>" in idle


def test_what_is_not_saved_and_rests(visit: Visit, make_spot: Callable[..., Spot]) -> None:
    class Broken(MemoryMetadataStore):
        remote = True

        def read(self, name: str) -> Any:
            threading.Event().wait(0.25)  # what takes long to fail is left alone
            raise bs.MetadataError("the disk is full")

    spot = make_spot(metadata=Broken(), limiter="600/min")
    f = spot.mark(spot.limiter(lambda x: "text" * x))
    for x in range(4):
        f(x)
    text = words(visit(spots=spot).get("/now").text)
    assert "<dt>Unsaved</dt><dd>4" in text
    assert "Results wait in memory, since the store failed" in text
    assert "The metadata store failed, and is left alone" in text
    assert "<dt>Granted in the last minute</dt><dd>4</dd>" in text
    assert "<td>10/s</td>" in text


def test_a_call_that_waits_for_its_limit_stands_there_once(
    visit: Visit, make_spot: Callable[..., Spot]
) -> None:
    spot = make_spot(limiter="1/h")
    real = spot.activity()

    def activity() -> bs.Activity:
        running = [bs.RunningCall("app:f", f"key{at}", 9.0 - at) for at in range(3)]
        waits = [bs.WaitingCall("app:f", "", "rate", 7.5), bs.WaitingCall("app:g", "", "rate", 1)]
        return replace(real, running=tuple(running), waiting=tuple(waits))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(spot), "activity", lambda _: activity())
        text = words(visit(spots=spot).get("/now").text)
    assert "<dt>Run</dt><dd>2</dd>" in text
    assert "<dt>Wait</dt><dd>2</dd>" in text
    assert text.count("key1") == 1
    row = text[text.index("waits for the rate of its limit") :].partition("</tr>")[0]
    assert "key1" in row


def test_the_page_asks_for_it_anew(visit: Visit, make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    client = visit(spots=spot)
    assert 'data-live="/now/part"' in client.get("/now").text
    with under_way(spot):
        answer = client.get("/now/part")
    assert "app:slow" in answer.text
    assert "<html" not in answer.text
