"""Secrets do not travel: a Spot that is sent is made again with those that are given there."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import cloudpickle
import pytest
from beautyspot.calls import pickling

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot

SECRET = "correct-horse-battery"
KEY = f"{SECRET}-0123456789abcdef"


class Other:
    """In the place of a Spot that reaches a server."""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrive as in another process, where no Spot is known."""
    monkeypatch.setattr(pickling, "_arrived", {})


def sent(spot: Spot, monkeypatch: pytest.MonkeyPatch) -> bytes:
    data = cloudpickle.dumps(spot)
    known: Any = type(pickling._known)()
    monkeypatch.setattr(pickling, "_known", known)
    return data


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
        {"limiter": [{"name": "a", "use": "gcra", "rate": 1, "api_token": SECRET}]},
    ],
)
def test_no_pickle_has_a_secret(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    [option] = options
    reduced = pickling.sent_spot(Other(), "app", options)  # type: ignore[arg-type] # never made
    data = pickle.dumps(reduced[1][1:])
    assert SECRET.encode() not in data
    assert SECRET[::-1].encode() not in data
    assert reduced[1][4] == (option,)


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": "server://user@host/0?key_prefix=app&ssl_keyfile=/etc/key.pem"},
        {"metadata": {"use": "server", "key_prefix": "app", "token_file": "/run/token"}},
        {"storage": {"use": "other", "key": "folder", "use_token": True}},
        {"storage": "s3://bucket/keys?region_name=eu-west-1"},
        {"signing_key": None, "ttl": "1h", "directory": "/home/me/token=1"},
    ],
)
def test_what_is_no_secret_travels(options: dict[str, Any]) -> None:
    reduced = pickling.sent_spot(Other(), "app", options)  # type: ignore[arg-type] # never made
    assert reduced[1][3:] == (options,)


def test_it_is_made_again_with_what_is_given_there(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot(signing_key=KEY, config=False)
    with make_spot(signing_key=KEY) as writer:
        writer.mark(double)(2)
    data = sent(spot, monkeypatch)
    with pytest.raises(bs.ConfigError) as caught:
        pickle.loads(data)
    said = str(caught.value)
    assert "the Spot 'app' arrived here without its signing_key" in said
    assert "set BEAUTYSPOT_SIGNING_KEY in the environment" in said
    monkeypatch.setenv("BEAUTYSPOT_SIGNING_KEY", KEY)
    arrived = pickle.loads(data)
    assert arrived is not spot
    with arrived:
        assert arrived.cached_run(double, 2) == 4
        assert arrived.last_call().hit


def double(x: int) -> int:
    return 2 * x


ARRIVE = """
    import pickle, sys
    spot = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(spot.config["signing_key"], spot.config.source("signing_key"))
"""


def test_another_process_takes_its_own(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(make_spot(signing_key=KEY))
    command = [sys.executable, "-c", textwrap.dedent(ARRIVE), data.hex()]
    without = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "arrived here without its signing_key" in without.stderr
    monkeypatch.setenv("BEAUTYSPOT_SIGNING_KEY", KEY)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "<SigningKeys> environment BEAUTYSPOT_SIGNING_KEY\n"
