"""What a backend that lacks an ability says, and errors on their way to other processes."""

from __future__ import annotations

import pickle

import beautyspot as bs
import pytest


def test_types_that_can_not_be_stored_say_so() -> None:
    class Keys(bs.TypeSupport):
        name = "keys"
        classes = ("x:Y",)

        def key(self, value: object) -> object:
            return 1

    with pytest.raises(bs.NotSupportedError, match="keys"):
        Keys().decode(1)


def test_an_error_keeps_its_candidates_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(bs.RecordNotFound("several", candidates=("a", "b"))))
    assert str(error) == "several"
    assert error.candidates == ("a", "b")
