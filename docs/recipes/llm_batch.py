"""Ask a language model many questions: as fast as its limits allow, and each question once.

    export OPENAI_API_KEY=...
    python llm_batch.py prompts.txt

Stop it whenever you like. The next run asks what is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import beautyspot as bs
from openai import APIConnectionError, APIStatusError, InternalServerError, OpenAI, RateLimitError
from openai.types.chat import ChatCompletion
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_attempt

MODEL = "gpt-4.1-mini"
LONGEST = 500  # tokens of an answer
DOLLARS = {"prompt": 0.40e-6, "completion": 1.60e-6}  # for a token: look up your model's

spot = bs.Spot(
    "llm_batch",
    price_unit="$",
    limiter=[  # of your account, less a few per cent
        {"name": "requests", "use": "gcra-shared", "rate": "480/min"},
        {"name": "tokens", "use": "gcra-shared", "rate": "190000/min", "max_cost": 8000},
    ],
)
client = OpenAI(max_retries=0)  # its own retries would ask no limiter


def tokens(prompt: str, *, longest: int = LONGEST, **_: object) -> int:
    """At most so many tokens: what is reserved before the real number is known."""
    return len(prompt) // 3 + longest


def used(answer: ChatCompletion) -> dict[str, float]:
    """What a call really took from the limits."""
    return {"tokens": answer.usage.total_tokens if answer.usage else LONGEST}


def dollars(answer: ChatCompletion) -> float:
    """What a call cost."""
    if answer.usage is None:
        return 0.0
    prompt, completion = answer.usage.prompt_tokens, answer.usage.completion_tokens
    return prompt * DOLLARS["prompt"] + completion * DOLLARS["completion"]


def hold(attempt: RetryCallState) -> None:
    """Let nothing go to the server for as long as it says; else for 2 seconds, 4, 8."""
    error = attempt.outcome.exception() if attempt.outcome else None
    headers = error.response.headers if isinstance(error, APIStatusError) else {}
    spot.bucket.pause(headers.get("retry-after") or 2**attempt.attempt_number)


patiently = retry(
    retry=retry_if_exception_type((RateLimitError, InternalServerError, APIConnectionError)),
    before_sleep=hold,  # and no `wait=`: the next attempt waits for its permit
    stop=stop_after_attempt(6),
    reraise=True,
)


@spot.mark(price=dollars)
@patiently
@spot.limiter(cost={"requests": 1, "tokens": tokens}, settle=used, max_concurrent=16)
def ask(prompt: str, *, model: str = MODEL, longest: int = LONGEST) -> ChatCompletion:
    """One answer; whatever changes it is an argument, and so counts for the key."""
    return client.chat.completions.create(
        model=model, max_tokens=longest, messages=[{"role": "user", "content": prompt}]
    )


def main(prompts: list[str]) -> None:
    """Print an answer for each prompt, and what all of them cost."""
    print(spot.count(ask, prompts), "of", len(prompts), "are to be asked", file=sys.stderr)
    answers = spot.map(ask, prompts, progress=True, errors="return", max_errors=20)
    for prompt, answer in zip(prompts, answers, strict=True):
        if isinstance(answer, bs.Failed):
            print(f"{prompt}: failed: {answer.error}", file=sys.stderr)
        else:
            print(f"{prompt}: {answer.choices[0].message.content}")
    stats = spot.stats()
    print(f"spent {stats['money_spent']:.4f} $", file=sys.stderr)
    print(f"saved {stats['money_saved']:.4f} $", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
