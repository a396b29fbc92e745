"""The suite of serializers finds what it is for."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot import MsgpackSerializer
from beautyspot.errors import SerializationError
from beautyspot_testing.serializer import SerializerContract


class Taking(MsgpackSerializer):
    def dumps(self, value: object) -> bytes:
        return b"taken"


class Failing(MsgpackSerializer):
    def dumps(self, value: object) -> bytes:
        if isinstance(value, complex):
            raise KeyError(value)
        raise SerializationError("no form")


class Mute(MsgpackSerializer):
    def dumps(self, value: object) -> bytes:
        raise SerializationError("")


@pytest.mark.parametrize(
    ("serializer", "told"),
    [
        (Taking(), "DID NOT RAISE"),
        (Mute(), "the error says nothing"),
        (Failing(), "1j"),
    ],
)
def test_a_value_that_is_not_refused_is_found(serializer: Any, told: str) -> None:
    class Own(SerializerContract):
        refused = (lambda: 5, lambda: 1j)

    with pytest.raises(BaseException, match=told):
        Own().test_a_value_without_a_form_is_refused(serializer)
