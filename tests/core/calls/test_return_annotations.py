"""What a function says that it returns is no part of a key, and nothing is built for one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from beautyspot import Spot

# Not postponed: the annotation is the class itself.
PROGRAM = """
import sys
from collections.abc import Iterator

import beautyspot as bs
from openai.types.chat import ChatCompletionChunk

FIELDS = dict(id="a", choices=[], created=1, model="m", object="chat.completion.chunk")


def main():
    spot = bs.Spot("app", directory=sys.argv[1], config=False, strict=True)
    ran = []

    def shown(chunk: ChatCompletionChunk) -> ChatCompletionChunk:
        return chunk

    @spot.mark(ignore=("ran",))
    def stream(question: str) -> Iterator[ChatCompletionChunk]:
        ran.append(question)
        yield shown(ChatCompletionChunk.model_validate(FIELDS))

    found = [list(stream("why?")) for _ in range(2)]
    assert found[0] == found[1] and type(found[1][0]) is ChatCompletionChunk
    print(len(ran), spot.key(stream, "why?"))
    spot.shutdown()


main()
"""


@pytest.mark.skipif(find_spec("openai") is None, reason="openai is not installed")
def test_a_local_stream_of_models_that_are_built_late_is_a_hit_at_once(tmp_path):
    """openai's models build themselves when they are first used, in each process anew."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = [
        subprocess.run(
            [sys.executable, str(program), str(tmp_path / "cache")],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    ]
    (first, key), (second, same) = (each.stdout.split() or [each.stderr, ""] for each in done)
    assert (first, second) == ("1", "0")
    assert key == same


def local(spot: Spot, returned: Any) -> Any:
    def make(text: str) -> Any:
        return [text]

    make.__annotations__["return"] = returned
    return spot.mark(make)


def test_functions_that_differ_in_it_alone_have_one_key(make_spot):
    spot = make_spot()
    keys = {spot.key(local(spot, returned), "a") for returned in (list, list[str], list[int], None)}
    assert len(keys) == 1
