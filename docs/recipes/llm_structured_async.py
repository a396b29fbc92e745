"""The same in an event loop, with Anthropic's SDK; beside llm_batch_async.py."""

from __future__ import annotations

import asyncio
import sys

from anthropic.types import ParsedMessage
from llm_batch_async import LONGEST, MODEL, client, cost, dollars, patiently, spot, used
from pydantic import BaseModel


class Invoice(BaseModel):
    """What is asked for."""

    number: str
    total: float


@spot.mark(price=dollars)
@patiently
@spot.limiter(cost=cost, settle=used, max_concurrent=16)
async def read(prompt: str, *, model: str = MODEL) -> ParsedMessage[Invoice]:
    """What an invoice says."""
    return await client.messages.parse(
        model=model,
        max_tokens=LONGEST,
        messages=[{"role": "user", "content": prompt}],
        output_format=Invoice,
    )


async def main(text: str) -> None:
    """Print what an invoice says, and what that cost."""
    async with client:
        print((await read(text)).parsed_output)
    print(f"spent {spot.stats()['money_spent']:.6f} $", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
