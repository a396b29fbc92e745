"""Read invoices into a pydantic model, with OpenAI's SDK."""

from __future__ import annotations

import sys

import beautyspot as bs
from openai import OpenAI
from openai.types.chat import ParsedChatCompletion
from pydantic import BaseModel

MODEL = "gpt-4.1-mini"

spot = bs.Spot("llm_structured", limiter="480/min")
client = OpenAI(max_retries=0)


class Invoice(BaseModel):
    """What is asked for."""

    number: str
    total: float


def dollars(answer: ParsedChatCompletion[Invoice]) -> float:
    """What a call cost."""
    usage = answer.usage
    return usage.prompt_tokens * 0.40e-6 + usage.completion_tokens * 1.60e-6 if usage else 0.0


@spot.mark(price=dollars)
@spot.limiter
def read(text: str, *, model: str = MODEL) -> ParsedChatCompletion[Invoice]:
    """What an invoice says."""
    return client.chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": text}],
        response_format=Invoice,
    )


if __name__ == "__main__":
    invoice = read(sys.argv[1]).choices[0].message.parsed
    print(invoice)
    print(f"spent {spot.stats()['money_spent']:.6f} $", file=sys.stderr)
