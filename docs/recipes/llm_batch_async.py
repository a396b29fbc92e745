"""Ask a language model many questions, in an event loop, with Anthropic's SDK.

    export ANTHROPIC_API_KEY=...
    python llm_batch_async.py prompts.txt

Stop it whenever you like. The next run asks what is missing.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import beautyspot as bs
import stamina
from anthropic import APIConnectionError, APIStatusError, AsyncAnthropic
from anthropic.types import Message

MODEL = "claude-haiku-4-5"
LONGEST = 500  # tokens of an answer
DOLLARS = {"input": 1e-6, "output": 5e-6}  # for a token: look up your model's

spot = bs.Spot(
    "llm_batch_async",
    price_unit="$",
    limiter=[  # of your account, less a few per cent
        {"name": "requests", "use": "gcra-shared", "rate": "950/min"},
        {"name": "input", "use": "gcra-shared", "rate": "440000/min", "max_cost": 20000},
        {"name": "output", "use": "gcra-shared", "rate": "88000/min", "max_cost": 8000},
    ],
)
client = AsyncAnthropic(max_retries=0)  # its own retries would ask no limiter


def cost(prompt: str, *, longest: int = LONGEST, **_: object) -> dict[str, float]:
    """At most so much: what is reserved before the real numbers are known."""
    return {"requests": 1, "input": len(prompt) // 3 + 1, "output": longest}


def used(answer: Message) -> dict[str, float]:
    """What a call really took from the limits."""
    return {"input": answer.usage.input_tokens, "output": answer.usage.output_tokens}


def dollars(answer: Message) -> float:
    """What a call cost."""
    return sum(count * DOLLARS[kind] for kind, count in used(answer).items())


def is_passing(error: Exception) -> bool:
    """Whether another attempt may succeed; nothing goes to the server for as long as it says."""
    if isinstance(error, APIStatusError) and (error.status_code == 429 or error.status_code >= 500):
        spot.bucket.pause(error.response.headers.get("retry-after"))
        return True
    return isinstance(error, APIConnectionError)


patiently = stamina.retry(on=is_passing, attempts=6, timeout=None)  # else it gives up after 45 s


@spot.mark(price=dollars)
@patiently
@spot.limiter(cost=cost, settle=used, max_concurrent=16)
async def ask(prompt: str, *, model: str = MODEL, longest: int = LONGEST) -> Message:
    """One answer; whatever changes it is an argument, and so counts for the key."""
    return await client.messages.create(
        model=model, max_tokens=longest, messages=[{"role": "user", "content": prompt}]
    )


async def main(prompts: list[str]) -> None:
    """Print an answer for each prompt, and what all of them cost."""
    async with client:
        async for answer in spot.map(ask, prompts, progress=True, errors="return", max_errors=20):
            if isinstance(answer, bs.Failed):
                print(f"{answer.input}: failed: {answer.error}", file=sys.stderr)
            else:
                print("".join(part.text for part in answer.content if part.type == "text"))
    stats = spot.stats()
    print(f"spent {stats['money_spent']:.4f} $", file=sys.stderr)
    print(f"saved {stats['money_saved']:.4f} $", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
