"""Read invoices into a pydantic model; beside llm_batch.py, whose limits it shares."""

from __future__ import annotations

import sys

from llm_batch import LONGEST, MODEL, client, dollars, patiently, spot, tokens, used
from openai.types.chat import ParsedChatCompletion
from pydantic import BaseModel


class Invoice(BaseModel):
    """What is asked for."""

    number: str
    total: float


@spot.mark(price=dollars)
@patiently
@spot.limiter(cost={"requests": 1, "tokens": tokens}, settle=used, max_concurrent=16)
def read(prompt: str, *, model: str = MODEL) -> ParsedChatCompletion[Invoice]:
    """What an invoice says."""
    return client.chat.completions.parse(
        model=model,
        max_tokens=LONGEST,
        messages=[{"role": "user", "content": prompt}],
        response_format=Invoice,
    )


if __name__ == "__main__":
    invoice = read(sys.argv[1]).choices[0].message.parsed
    print(invoice)
    print(f"spent {spot.stats()['money_spent']:.6f} $", file=sys.stderr)
