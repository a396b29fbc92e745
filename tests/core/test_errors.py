"""Errors keep what they tell when they are sent to another process."""

from __future__ import annotations

import pickle

from beautyspot.errors import RateLimitError, UnstableKeyError


def test_an_unstable_key_keeps_its_path_on_the_way() -> None:
    error = pickle.loads(pickle.dumps(UnstableKeyError("no form", path="args[0].lock")))
    assert (str(error), error.path) == ("no form", "args[0].lock")


def test_a_refusal_keeps_its_time_on_the_way() -> None:
    error = pickle.loads(pickle.dumps(RateLimitError("no permit", retry_after=2.5)))
    assert (str(error), error.retry_after) == ("no permit", 2.5)
    assert RateLimitError("no permit").retry_after is None
