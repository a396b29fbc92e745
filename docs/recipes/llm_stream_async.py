"""Show an answer while it is written, and keep it; in an event loop, with Anthropic's SDK."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import beautyspot as bs
from anthropic import AsyncAnthropic
from anthropic.types import Usage

MODEL = "claude-haiku-4-5"
LONGEST = 500  # tokens of an answer
spot = bs.Spot(
    "llm_stream_async",
    limiter=[
        {"name": "requests", "use": "gcra-shared", "rate": "950/min"},
        {"name": "output", "use": "gcra-shared", "rate": "88000/min", "max_cost": 8000},
    ],
)
client = AsyncAnthropic(max_retries=0)


def dollars(items: list[str | Usage]) -> float:
    """What a stream cost: its last item knows."""
    used = items[-1]
    assert isinstance(used, Usage)
    return used.input_tokens * 1e-6 + used.output_tokens * 5e-6


@spot.mark(price=dollars)
async def stream(prompt: str, *, model: str = MODEL) -> AsyncIterator[str | Usage]:
    """The text of an answer, piece by piece, and then what it took."""
    async with (
        spot.limit(cost={"requests": 1, "output": LONGEST}) as permit,
        client.messages.stream(
            model=model,
            max_tokens=LONGEST,
            messages=[{"role": "user", "content": prompt}],
        ) as chunks,
    ):
        async for text in chunks.text_stream:
            yield text
        used = (await chunks.get_final_message()).usage
        permit.settle({"output": used.output_tokens})
        yield used


async def main(prompt: str) -> None:
    """Print an answer while it comes, and what it cost."""
    async with client:
        async for piece in stream(prompt):
            if isinstance(piece, str):
                print(piece, end="", flush=True)
    print(f"\nspent {spot.stats()['money_spent']:.4f} $", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
