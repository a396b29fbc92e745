"""Show an answer while it is written, and keep it; with OpenAI's SDK."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import beautyspot as bs
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

MODEL = "gpt-4.1-mini"
LONGEST = 500  # tokens of an answer
spot = bs.Spot(
    "llm_stream",
    limiter=[
        {"name": "requests", "use": "gcra-shared", "rate": "480/min"},
        {"name": "tokens", "use": "gcra-shared", "rate": "190000/min", "max_cost": 8000},
    ],
)
client = OpenAI(max_retries=0)


def dollars(chunks: list[ChatCompletionChunk]) -> float:
    """What a stream cost: its last chunk knows."""
    usage = chunks[-1].usage
    return usage.prompt_tokens * 0.40e-6 + usage.completion_tokens * 1.60e-6 if usage else 0.0


@spot.mark(price=dollars)
def stream(prompt: str, *, model: str = MODEL) -> Iterator[ChatCompletionChunk]:
    """The chunks of an answer."""
    estimate = {"requests": 1, "tokens": len(prompt) // 3 + LONGEST}
    with (
        spot.limit(cost=estimate) as permit,
        client.chat.completions.create(
            model=model,
            max_tokens=LONGEST,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks,
    ):
        for chunk in chunks:
            yield chunk
            if chunk.usage is not None:
                permit.settle({"tokens": chunk.usage.total_tokens})


if __name__ == "__main__":
    for piece in stream(sys.argv[1]):
        for choice in piece.choices:
            print(choice.delta.content or "", end="", flush=True)
    print(f"\nspent {spot.stats()['money_spent']:.4f} $", file=sys.stderr)
