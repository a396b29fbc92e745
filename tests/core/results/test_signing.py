"""Signed stores: what bears no signature of ours is a miss; keys rotate and are never shown."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import traceback
from typing import Any

import pytest
from beautyspot import ConfigError
from beautyspot.config.resolve import resolve
from beautyspot.config.signing import SigningKeys
from beautyspot.memory import MemoryMetadataStore
from kinds import RAN
from rows import put_rows

OLD = "old-signing-key-0123456789"
KEY = "new-signing-key-0123456789"


def work(x: Any) -> Any:
    RAN.append(x)
    return f"{x}" * 50


@pytest.fixture(params=[False, True], ids=["in the row", "in a blob"])
def save_blob(request: Any) -> bool:
    return request.param


@pytest.fixture
def signed(make_spot: Any, save_blob: bool, troubles: Any) -> Any:
    """Makes a Spot of one place and its marked function."""

    def make(key: Any = KEY, **options: Any) -> Any:
        spot = make_spot(signing_key=key, on_error=troubles.append)
        return spot, spot.mark(save_blob=save_blob, **options)(work)

    return make


def ran(function: Any, x: Any) -> bool:
    """Whether a call ran the function. Twice: the memo's shortest way is the second."""
    RAN.clear()
    assert function(x) == f"{x}" * 50
    return bool(RAN)


def change(spot: Any, **fields: Any) -> None:
    """Let somebody write into the rows."""
    for record in list(spot.metadata.all_rows(data=True)):
        put_rows(spot.metadata, record._replace(**fields))


def test_what_was_signed_is_found(signed: Any) -> None:
    spot, marked = signed()
    assert [ran(marked, 1) for _ in range(3)] == [True, False, False]
    assert not ran(signed()[1], 1)
    (record,) = spot.metadata.all_rows(data=True)
    data = record.result_data or spot.storage.load(record.result_value)
    head = json.dumps([1, record.cache_key, "msgpack", record.made_at, None]).encode()
    assert record.digest == hmac.digest(KEY.encode(), head + b"\n" + data, hashlib.sha256)


def test_an_unsigned_result_is_a_miss_and_is_replaced(signed: Any, troubles: Any) -> None:
    signed(None)[1](1)
    spot, marked = signed()
    assert spot.peek(marked, 1) is None
    assert ran(marked, 1)
    assert "no signature by a signing_key" in str(troubles[-1].error)
    assert not ran(marked, 1)


def test_a_signed_result_is_a_miss_without_the_key(signed: Any) -> None:
    signed()[1](1)
    assert ran(signed(None)[1], 1)


def test_another_s_signature_is_a_miss(signed: Any) -> None:
    signed(OLD)[1](1)
    spot, marked = signed()
    assert "damaged" in spot.explain(marked, 1).differs
    assert ran(marked, 1)


def test_two_signed_results_swapped(signed: Any) -> None:
    spot, marked = signed()
    marked(1), marked(2)
    one, two = spot.metadata.all_rows(data=True)
    for mine, other in ((one, two), (two, one)):
        put_rows(spot.metadata, other._replace(cache_key=mine.cache_key))
    assert ran(marked, 1)
    assert ran(marked, 2)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"expires_at": None}, id="no expiry"),
        pytest.param({"expires_at": 1e12}, id="another expiry"),
        pytest.param({"serializer": "raw:bytes"}, id="another serializer"),
        pytest.param({"serializer": "msgpack\n"}, id="a serializer with a line more"),
        pytest.param({"digest": None}, id="no digest"),
        pytest.param({"digest": b""}, id="an empty digest"),
        pytest.param({"digest": "text"}, id="a text for a digest"),
    ],
)
def test_what_decides_a_hit_is_bound(signed: Any, fields: Any) -> None:
    spot, marked = signed(ttl="1h")
    marked(1)
    assert not ran(marked, 1)
    change(spot, **fields)
    assert ran(marked, 1)


def test_when_it_was_made_is_bound(signed: Any) -> None:
    """Else an old result would be young again; here it stays within its `ttl` either way."""
    spot, marked = signed(ttl="1h")
    marked(1)
    (record,) = spot.metadata.all_rows()
    change(spot, made_at=record.made_at - 60)
    assert ran(marked, 1)


def test_what_decides_nothing_is_not(signed: Any) -> None:
    spot, marked = signed()
    marked(1)
    change(spot, used_at=5.0, took=0.5, tags=("x",), size=7, content_type="text/x")
    assert not ran(marked, 1)


def test_rotation(signed: Any) -> None:
    signed(OLD)[1](1)
    both = (KEY, OLD)
    spot, marked = signed(both)
    assert not ran(marked, 1)
    marked(2)
    assert not ran(signed(KEY)[1], 2), "the first one signs"
    assert ran(signed(KEY)[1], 1), "what the old one signed is gone with it"


def test_streams_and_background_saves_are_signed(make_spot: Any) -> None:
    def words(text: str) -> Any:
        RAN.append(text)
        yield from text.split()

    def run(key: str) -> Any:
        with make_spot(signing_key=key, save="background") as spot:
            return list(spot.mark(words)("to be"))

    assert run(KEY) == run(KEY) == ["to", "be"]
    assert RAN == ["to be"]
    run(OLD)
    assert len(RAN) == 2


def test_a_stale_result_needs_a_signature_too(make_spot: Any) -> None:
    store = MemoryMetadataStore()
    now = [1e9]

    def fails(x: Any) -> Any:
        if RAN:
            raise ValueError(x)
        return work(x)

    def run(key: str) -> Any:
        spot = make_spot(signing_key=key, metadata=store)
        spot._engine.cache.store.clock = lambda: now[0]
        return spot.mark(ttl=1, stale_on_error=True, name="fails")(fails)(1)

    run(KEY)
    now[0] += 10
    assert run(KEY) == "1" * 50
    with pytest.raises(ValueError, match="1"):
        run(OLD)


# ------------------------------------------------------------------------------------- settings


def test_keys_from_the_environment_and_a_file(tmp_path: Any) -> None:
    signature = SigningKeys(OLD).sign("k", "c", 1.0, None, b"data")
    environ = {"BEAUTYSPOT_SIGNING_KEY": f'["{KEY}", "{OLD}"]'}
    path = tmp_path / "beautyspot.toml"
    path.write_text(f'signing_key = ["{KEY}", "{OLD}"]\n')
    for config in (
        resolve({}, config=False, environ=environ),
        resolve({}, config=path, environ={}),
    ):
        for expires, is_signed in ((None, True), (2.0, False)):
            digests = config["signing_key"].begun("k", "c", 1.0, expires)
            for each in digests:
                each.update(b"data")
            assert (signature in [each.digest() for each in digests]) is is_signed


@pytest.mark.parametrize(
    "given", ["short-secret", b"short-secret", [], ["a", KEY], 5000, [5000], {"a": KEY}]
)
def test_a_wrong_key_is_refused_and_not_shown(given: Any) -> None:
    with pytest.raises(ConfigError, match="at least 16 bytes") as caught:
        resolve({"signing_key": given}, config=False)
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert "short-secret" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "signing_key='***': give" in shown


def test_no_key_is_shown_anywhere(make_spot: Any, caplog: Any, tmp_path: Any) -> None:
    caplog.set_level(logging.DEBUG)
    spot = make_spot(signing_key=KEY)
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    change(spot, digest=b"x")
    marked(1)
    keys = spot.config["signing_key"]
    explained = spot.explain(marked, 1)
    shown = f"{keys!r}{keys}{spot.config}{spot.config!r}{spot.config.table()}{spot!r}{explained}"
    assert KEY not in shown + caplog.text
    assert "<SigningKeys>" in shown
    spot.shutdown()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
