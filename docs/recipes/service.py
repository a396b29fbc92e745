"""A service that answers questions by a language model, each of them once.

export OPENAI_API_KEY=...
uvicorn service:app --workers 4
curl "localhost:8000/answer?question=why"
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import beautyspot as bs
from fastapi import FastAPI, HTTPException
from openai import AsyncOpenAI

MODEL = "gpt-4.1-mini"
PATIENCE = 20.0  # seconds that a caller waits for an answer

# One Spot for the program. Its workers share results and the rate, as they share the folder.
spot = bs.Spot("service", limiter={"use": "gcra-shared", "rate": "480/min", "workers": 4})
client = AsyncOpenAI(max_retries=0)  # connects at its first request


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """What a worker does at its start and at its end."""
    async with client:
        yield
        while spot.activity().running:  # answers that nobody waits for any more
            await asyncio.sleep(0.1)
    await asyncio.to_thread(spot.shutdown)


app = FastAPI(lifespan=lifespan)


@spot.mark(ttl="30 days", on_cancel="finish")
@spot.limiter(timeout=10, max_concurrent=32)
async def answer(question: str, *, model: str = MODEL) -> str:
    """What the model says."""
    reply = await client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": question}]
    )
    return reply.choices[0].message.content or ""


@app.get("/answer")
async def get_answer(question: str) -> dict[str, str]:
    """An answer; equal questions at one time are asked once."""
    try:
        async with asyncio.timeout(PATIENCE):
            return {"answer": await answer(question.strip().casefold())}
    except bs.RateLimitError as error:  # first, since it is a TimeoutError, too
        later = {"Retry-After": str(math.ceil(error.retry_after or 1))}
        raise HTTPException(503, "busy", later) from None
    except TimeoutError:
        raise HTTPException(504, "not yet: ask again") from None


@app.get("/stats")
def get_stats() -> dict[str, float | int | str]:
    """What this worker has counted; a plain function, since this asks the store."""
    return {name: value for name, value in spot.stats().items() if isinstance(value, int | float)}
