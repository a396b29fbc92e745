"""`compress="zstd"`: smaller rows and blobs, equal values, and nothing that a bomb could do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.contracts import TaskRecord
from beautyspot.results.validity import fingerprint
from beautyspot.serialization import payload
from beautyspot.spot import Spot
from kinds import RAN
from rows import put_rows

MODULE = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

pytestmark = pytest.mark.skipif(
    payload.zstandard() is None, reason="the extra zstd is not installed"
)

TEXT = "the same words again and again. " * 1000
KEY = b"0123456789abcdef0123456789abcdef"


def row(spot: Spot, function: Callable[..., Any], *args: Any) -> TaskRecord:
    found = spot.metadata.get(spot.key(function, *args))
    assert found is not None
    return found


def replaced(spot: Spot, record: TaskRecord, codec: str, data: bytes) -> None:
    """Put a row that claims something else, with the digest that anybody can make."""
    digest = fingerprint(record.cache_key, codec, data)
    row = record._replace(serializer=codec, result_data=data, digest=digest, size=len(data))
    put_rows(spot.metadata, row)


@pytest.fixture
def packing(make_spot: Callable[..., Spot]) -> Spot:
    return make_spot(strict=True, compress="zstd")


def test_rows_are_smaller_and_values_equal(packing: Spot) -> None:
    @packing.mark
    def f(times: int) -> dict[str, str]:
        RAN.append(times)
        return {"text": TEXT[: 32 * times]}

    for _ in range(2):
        assert f(1000) == {"text": TEXT}
        assert f(1) == {"text": TEXT[:32]}  # too short to become smaller
    assert RAN == [1000, 1]
    long, short = row(packing, f, 1000), row(packing, f, 1)
    assert long.serializer == "zstd.32009:msgpack"
    assert long.size == len(long.result_data or b"") < 1000
    assert short.serializer == "msgpack"


def test_streams_errors_and_large_texts(packing: Spot) -> None:
    @packing.mark
    def stream() -> Iterator[str]:
        RAN.append("stream")
        yield TEXT
        yield "end"

    @packing.mark(cache_errors=LookupError)
    def fails() -> None:
        RAN.append("fails")
        raise LookupError(TEXT)

    @packing.mark
    def page() -> str:
        RAN.append("page")
        return TEXT * 3

    for _ in range(2):
        assert list(stream()) == [TEXT, "end"]
        with pytest.raises(LookupError) as caught:
            fails()
        assert caught.value.args == (TEXT,)
        assert page() == TEXT * 3
    assert RAN == ["stream", "fails", "page"]
    codecs = [row(packing, f).serializer for f in (stream, fails, page)]
    assert codecs == [
        "zstd.32016:stream:msgpack",
        "error:msgpack",
        "zstd.96000:raw:text",
    ]


def test_blobs_of_ours_are_compressed_and_media_are_not(packing: Spot) -> None:
    @packing.mark(save_blob=True)
    def table() -> list[str]:
        return [TEXT]

    @packing.mark(save_blob=True, content_type="application/json")
    def viewed() -> str:
        return f'["{TEXT}"]'

    @packing.mark(content_type="application/json")
    def in_its_row() -> str:
        return f'["{TEXT}"]'

    assert table() == table() == [TEXT]
    for f in (viewed, in_its_row):
        assert f() == f() == f'["{TEXT}"]'
    places = [str(row(packing, f).result_value) for f in (table, viewed)]
    assert places[0].endswith(".msgpack.zst")
    assert places[1].endswith(".json")
    assert packing.storage.load(places[1]).decode() == f'["{TEXT}"]'
    assert payload.is_compressed(row(packing, in_its_row).serializer)
    with bs.open_store(packing) as store:
        assert store.value(packing.key(table)) == [TEXT]
        for f in (viewed, in_its_row):
            assert store.value(packing.key(f)) == f'["{TEXT}"]'
        content = store.content(packing.key(in_its_row))
        assert (content.content_type, content.is_media) == ("application/json", True)
        data = b"".join(content.chunks())
        assert (data.decode(), content.size) == (f'["{TEXT}"]', len(data))
        assert list(store.verify()) == []


def test_a_mark_wins_over_the_spot(make_spot: Callable[..., Spot], packing: Spot) -> None:
    plain = make_spot("plain", compress=False)

    def f() -> str:
        return TEXT

    on, off, none = plain.mark(compress="zstd")(f), packing.mark(compress=False)(f), plain.mark(f)
    on()
    off()
    assert row(plain, on).serializer == "zstd.32003:msgpack"
    assert row(packing, off).serializer == "msgpack"
    assert none() == TEXT  # read, whatever the mark says
    assert plain.last_call().hit


@pytest.mark.parametrize("value", ["gzip", True, 3])
def test_other_ways_are_refused(make_spot: Callable[..., Spot], spot: Spot, value: object) -> None:
    with pytest.raises(bs.ConfigError, match='"zstd", or False'):
        make_spot("other", compress=value)
    with pytest.raises(bs.ConfigError, match='"zstd", or False'):
        spot.mark(compress=value)  # type: ignore[call-overload]


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)


@pytest.mark.usefixtures("without_library")
def test_where_the_library_is_missing(make_spot: Callable[..., Spot], spot: Spot) -> None:
    with pytest.raises(bs.ConfigError, match=r'^argument: compress="zstd" needs Zstandard: \w'):
        make_spot("other", compress="zstd")
    with pytest.raises(bs.ConfigError, match=r'^mark: compress="zstd" needs'):
        spot.mark(compress="zstd")
    assert spot.mark(compress=False)(len)("ab") == 2


# --------------------------------------------------------------------------- damage and bombs


@pytest.fixture
def stored(packing: Spot) -> tuple[Callable[[], str], TaskRecord]:
    f = packing.mark(lambda: TEXT)
    f()
    return f, row(packing, f)


def bomb(size: int) -> bytes:
    data: bytes = payload.zstandard().compress(bytes(size))
    return data


@pytest.mark.parametrize(
    ("codec", "data", "said"),
    [
        ("zstd.10:msgpack", bomb(2**22), "not as long as its row says"),
        ("zstd.99999999999:msgpack", bomb(2**22), "claim to be 99999999999 bytes"),
        ("zstd.5000000:msgpack", bomb(2**22), "not as long as its row says"),
        ("zstd.4194304:msgpack", bomb(2**22)[:-20], "not as long as its row says"),
        ("zstd.4194304:msgpack", bomb(2**22) + b"x", "not as long as its row says"),
        ("zstd.4194304:msgpack", b"\0" * 400, "damaged"),
        ("zstd.5:zstd.5:msgpack", bomb(5), "can't read it"),
        ("zstd.5:file:[]", bomb(5), "can't read it"),
        ("zstd.x:msgpack", bomb(5), "can't read it"),
    ],
)
def test_what_is_hostile_or_damaged_is_a_miss(
    packing: Spot, stored: Any, codec: str, data: bytes, said: str
) -> None:
    f, record = stored
    replaced(packing, record, codec, data)
    with pytest.raises(bs.RestoreError, match=said):
        f()


def test_the_signature_covers_it(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(compress="zstd", signing_key=KEY, strict=True)
    f = spot.mark(lambda: TEXT)
    assert f() == f() == TEXT
    record = row(spot, f)
    assert record.serializer == "zstd.32003:msgpack"
    assert len(record.digest or b"") == 32
    put_rows(spot.metadata, record._replace(serializer="zstd.32004:msgpack"))
    with pytest.raises(bs.RestoreError, match="bears no signature"):
        f()
