"""Optional arguments of a contract reach only methods that take them: a backend may know fewer."""

from __future__ import annotations

import inspect
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot.contracts.calling import hints


def test_a_storage_as_the_specification_draws_it(tmp_path: Path) -> None:
    """`save(key, data)`: no content type, which is only a hint."""

    class Bare(bs.BlobStorageBase):
        name = "bare"

        def save(self, key, data):
            (tmp_path / "one").write_bytes(data)
            return "one"

        def load(self, location):
            return (tmp_path / location).read_bytes()

    with bs.Spot("app", directory=tmp_path, config=False, storage=Bare, strict=True) as spot:
        marked = spot.mark(save_blob=True, content_type="text/plain")(lambda: "text")
        assert marked() == marked() == "text"
        assert spot.stats()["hits"] == 1


def test_hints_that_say_nothing_are_left_out() -> None:
    assert hints(lambda **_: None, a=None) == {}


def test_hints_go_to_whoever_takes_any() -> None:
    assert hints(lambda **_: None, a=1, b=2) == {"a": 1, "b": 2}
    assert hints(lambda *, b=None: None, a=1, b=2) == {"b": 2}
    assert hints(lambda b, /: None, b=2) == {}


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_hints_go_to_what_does_not_tell(error: type[Exception]) -> None:
    class Silent:
        @property
        def __signature__(self) -> inspect.Signature:
            raise error

        def __call__(self) -> None: ...

    assert hints(Silent(), a=1) == {"a": 1}
