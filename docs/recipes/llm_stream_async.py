"""The same in an event loop, with Anthropic's SDK; beside llm_batch_async.py."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from anthropic.lib.streaming import AsyncMessageStream
from anthropic.types import Usage
from beautyspot import Permit
from llm_batch_async import LONGEST, MODEL, client, cost, patiently, spot


def dollars(items: list[str | Usage]) -> float:
    """What a stream cost: its last item knows."""
    used = items[-1]
    assert isinstance(used, Usage)
    return used.input_tokens * 1e-6 + used.output_tokens * 5e-6


@patiently
async def begin(
    stack: AsyncExitStack, prompt: str, model: str
) -> tuple[Permit, AsyncMessageStream[None]]:
    """A stream of which nothing was read, and the permit of the attempt that got it."""
    async with spot.limit(cost=cost(prompt)) as permit:
        opening = client.messages.stream(
            model=model,
            max_tokens=LONGEST,
            messages=[{"role": "user", "content": prompt}],
        )
        return permit, await stack.enter_async_context(opening)


@spot.mark(price=dollars)
async def stream(prompt: str, *, model: str = MODEL) -> AsyncIterator[str | Usage]:
    """The text of an answer, piece by piece, and then what it took."""
    async with AsyncExitStack() as stack:
        permit, chunks = await begin(stack, prompt, model)
        async for text in chunks.text_stream:
            yield text
        used = (await chunks.get_final_message()).usage
        permit.settle({"input": used.input_tokens, "output": used.output_tokens})
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
