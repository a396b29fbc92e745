"""The items of a stream, one behind the other in one row or blob."""

from __future__ import annotations

import pytest
from beautyspot.errors import RestoreError
from beautyspot.serialization.payload import framed, unframed


@pytest.mark.parametrize("cut", range(9))
def test_a_stored_stream_that_breaks_off_is_damaged(cut: int) -> None:
    whole = framed([b"ab", bytearray(b"cd")])
    assert len(whole) == 9
    assert [bytes(item) for item in unframed(whole)] == [b"ab", b"cd"]
    with pytest.raises(RestoreError, match="it is damaged"):
        unframed(whole[:cut])
