"""Read invoices into a pydantic model, in an event loop, with Anthropic's SDK."""

from __future__ import annotations

import asyncio
import sys

import beautyspot as bs
from anthropic import AsyncAnthropic
from anthropic.types import ParsedMessage
from pydantic import BaseModel

MODEL = "claude-haiku-4-5"

spot = bs.Spot("llm_structured_async", limiter="950/min")
client = AsyncAnthropic(max_retries=0)


class Invoice(BaseModel):
    """What is asked for."""

    number: str
    total: float


def dollars(answer: ParsedMessage[Invoice]) -> float:
    """What a call cost."""
    return answer.usage.input_tokens * 1e-6 + answer.usage.output_tokens * 5e-6


@spot.mark(price=dollars)
@spot.limiter
async def read(text: str, *, model: str = MODEL) -> ParsedMessage[Invoice]:
    """What an invoice says."""
    return await client.messages.parse(
        model=model,
        max_tokens=500,
        messages=[{"role": "user", "content": text}],
        output_format=Invoice,
    )


async def main(text: str) -> None:
    """Print what an invoice says, and what that cost."""
    async with client:
        print((await read(text)).parsed_output)
    print(f"spent {spot.stats()['money_spent']:.6f} $", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
