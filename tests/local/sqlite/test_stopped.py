"""A process that is stopped in the midst of a call, which another one makes meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from child import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")

CALLER = """
import os
from beautyspot import Spot

def work(x):
    say("begun")
    wait()
    return "by the process that was stopped"

with Spot("app", directory={directory!r}, config=False, strict=True{options}) as spot:
    say(os.getpid())
    print(spot.mark(name="work")(work)("a"), flush=True)
"""


def work(x: str) -> str:
    return f"{x}: by the one that began later"


@pytest.mark.parametrize("options", ["", ", save='background', blob_threshold=0"])
def test_it_overwrites_nothing_newer(
    make_spot: Callable[..., Spot], tmp_path: Path, options: str
) -> None:
    spot = make_spot(directory=tmp_path, wait_timeout=0.05, strict=True)
    marked = spot.mark(name="work")(work)
    with Child(CALLER.format(directory=str(tmp_path), options=options)) as child:
        process = int(child.heard())
        assert child.heard() == "begun"
        os.kill(process, signal.SIGSTOP)
        try:
            newest = marked("a")  # it waits for the lease in vain
            child.go_on()
        finally:
            os.kill(process, signal.SIGCONT)
        assert child.heard() == "by the process that was stopped"
        child.expect_success()
    assert spot.peek(marked, "a").value == newest == "a: by the one that began later"  # type: ignore[union-attr]
    assert marked("a") == newest
    assert spot.collect(grace=0).blobs == 0
