"""Many answers as streams, each kept as the list of its chunks; beside llm_batch.py."""

from __future__ import annotations

import sys
from pathlib import Path

from llm_batch import LONGEST, MODEL, client, patiently, spot, tokens
from llm_stream import dollars
from openai.types.chat import ChatCompletionChunk


def used(chunks: list[ChatCompletionChunk]) -> dict[str, float]:
    """What a stream really took from the limits."""
    usage = chunks[-1].usage
    return {"tokens": usage.total_tokens if usage else LONGEST}


@spot.mark(price=dollars)
@patiently
@spot.limiter(cost={"requests": 1, "tokens": tokens}, settle=used, max_concurrent=16)
def ask(prompt: str, *, model: str = MODEL) -> list[ChatCompletionChunk]:
    """The chunks of an answer, once all of them are there."""
    with client.chat.completions.create(
        model=model,
        max_tokens=LONGEST,
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        stream_options={"include_usage": True},
    ) as chunks:
        return list(chunks)


if __name__ == "__main__":
    for chunks in spot.map(ask, Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()):
        print("".join(each.delta.content or "" for chunk in chunks for each in chunk.choices))
    print(f"spent {spot.stats()['money_spent']:.4f} $", file=sys.stderr)
