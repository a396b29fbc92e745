"""The contract suite of serializers finds what it is there to find."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.contracts import SerializerBase
from beautyspot.errors import SerializationError


def test_a_refusal_without_a_word_fails_the_suite() -> None:
    from beautyspot_testing.serializer import _check_refused

    class Mute(SerializerBase):
        name = "mute"

        def dumps(self, value: object) -> bytes:
            raise SerializationError("")

        def loads(self, data: Any) -> Any:
            raise AssertionError

    with pytest.raises(pytest.fail.Exception, match="says nothing"):
        _check_refused(Mute(), object(), "refused[0]")
