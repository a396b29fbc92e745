"""Secrets do not travel: a Spot that is given one is refused, and takes it from the environment."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.calls import pickling
from beautyspot.spot import Spot

SECRET = "correct-horse-battery"
KEY = f"{SECRET}-0123456789abcdef"


class Other:
    """In the place of a Spot that reaches a server."""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrive as in another process, where no Spot is known."""
    monkeypatch.setattr(pickling, "_arrived", {})


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": f"server://user:{SECRET}@host/0"},
        {"metadata": f"server://:{SECRET}@host/0?key_prefix=a"},
        {"metadata": f"server://host/0?password={SECRET}"},
        {"metadata": {"use": "server", "password": SECRET}},
        {"metadata": {"use": f"server://:{SECRET}@host"}},
        {"signing_key": KEY},
        {"signing_key": [KEY, KEY[::-1]]},
        {"signing_key": KEY.encode()},
        {"limiter": [{"name": "a", "use": "gcra", "rate": 1, "api_token": SECRET}]},
    ],
)
def test_a_spot_that_was_given_a_secret_is_refused(options: dict[str, Any]) -> None:
    [option] = options
    words = f"the Spot 'app' can't be sent .* its {option}= holds a secret, .* set BEAUTYSPOT_"
    with pytest.raises(pickle.PicklingError, match=words) as refusal:
        pickling.sent_spot(Other(), "app", options)  # type: ignore[arg-type] # never made
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": "server://user@host/0?prefix=app"},
        {"storage": {"use": "other", "folder": "keys"}},
        {"limiter": ({"name": "a", "use": "gcra", "rate": 1},)},
        {"storage": "s3://bucket/keys?region_name=eu-west-1"},
        {"signing_key": None, "ttl": "1h", "directory": "/home/me/token=1"},
    ],
)
def test_what_is_no_secret_travels(options: dict[str, Any]) -> None:
    reduced = pickling.sent_spot(Other(), "app", options)  # type: ignore[arg-type] # never made
    assert reduced[1][3:] == (options,)


ARRIVE = """
    import pickle, sys
    spot = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(spot.config["signing_key"], spot.config.source("signing_key"))
"""


def test_another_process_takes_its_own(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAUTYSPOT_SIGNING_KEY", KEY)
    data = pickle.dumps(make_spot(config=False))
    assert SECRET.encode() not in data
    command = [sys.executable, "-c", textwrap.dedent(ARRIVE), data.hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "<SigningKeys> environment BEAUTYSPOT_SIGNING_KEY\n"
