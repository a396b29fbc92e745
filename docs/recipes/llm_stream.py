"""Show an answer while it is written, and keep it; beside llm_batch.py, whose limits it shares."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from beautyspot import Permit
from llm_batch import LONGEST, MODEL, client, patiently, spot, tokens
from openai import Stream
from openai.types.chat import ChatCompletionChunk


def dollars(chunks: list[ChatCompletionChunk]) -> float:
    """What a stream cost: its last chunk knows."""
    usage = chunks[-1].usage
    return usage.prompt_tokens * 0.40e-6 + usage.completion_tokens * 1.60e-6 if usage else 0.0


@patiently
def begin(prompt: str, model: str) -> tuple[Permit, Stream[ChatCompletionChunk]]:
    """A stream of which nothing was read, and the permit of the attempt that got it."""
    with spot.limit(cost={"requests": 1, "tokens": tokens(prompt)}) as permit:
        return permit, client.chat.completions.create(
            model=model,
            max_tokens=LONGEST,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )


@spot.mark(price=dollars)
def stream(prompt: str, *, model: str = MODEL) -> Iterator[ChatCompletionChunk]:
    """The chunks of an answer."""
    permit, chunks = begin(prompt, model)
    with chunks:
        for chunk in chunks:
            yield chunk
            if chunk.usage is not None:
                permit.settle({"tokens": chunk.usage.total_tokens})


if __name__ == "__main__":
    for piece in stream(sys.argv[1]):
        for choice in piece.choices:
            print(choice.delta.content or "", end="", flush=True)
    print(f"\nspent {spot.stats()['money_spent']:.4f} $", file=sys.stderr)
