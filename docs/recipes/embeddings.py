"""Find the lines of a file that mean nearly the same as a question.

    export OPENAI_API_KEY=...
    python embeddings.py texts.txt "what is it about?"

Each line is embedded once, however the file grows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import beautyspot as bs
import numpy as np
import stamina
from openai import APIConnectionError, APIStatusError, OpenAI

MODEL = "text-embedding-3-small"
BATCH = 256  # texts in one request

spot = bs.Spot(
    "embeddings",
    limiter=[  # of your account, less a few per cent
        {"name": "requests", "use": "gcra-shared", "rate": "2900/min"},
        {"name": "tokens", "use": "gcra-shared", "rate": "950000/min", "max_cost": 300_000},
    ],
)
client = OpenAI(max_retries=0)  # its own retries would ask no limiter


def cost(texts: list[str], **_: object) -> dict[str, float]:
    """What a request takes from the limits."""
    return {"requests": 1, "tokens": sum(len(text) // 3 + 1 for text in texts)}


def is_passing(error: Exception) -> bool:
    """Whether another attempt may succeed; nothing goes to the server for as long as it says."""
    if isinstance(error, APIStatusError) and (error.status_code == 429 or error.status_code >= 500):
        spot.bucket.pause(error.response.headers.get("retry-after"))
        return True
    return isinstance(error, APIConnectionError)


@spot.mark(each="texts", batch=BATCH)
@stamina.retry(on=is_passing, attempts=6, timeout=None)
@spot.limiter(cost=cost)
def embed(texts: list[str], *, model: str = MODEL) -> list[np.ndarray]:
    """A vector for each text; gets those texts that have none yet."""
    answer = client.embeddings.create(model=model, input=texts)
    return [np.array(one.embedding, dtype=np.float32) for one in answer.data]


def parts(texts: list[str]) -> Iterator[list[str]]:
    """The texts in lists of one request each."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def main(texts: list[str], question: str) -> None:
    """Print the three texts that are nearest to the question."""
    print(spot.count(embed, list(parts(texts))), "texts to embed", file=sys.stderr)
    found = spot.map(embed, parts(texts), concurrency=8, progress=True)
    vectors = np.stack([vector for part in found for vector in part])
    (wanted,) = embed([question])
    likeness = vectors @ wanted / np.linalg.norm(vectors, axis=1) / np.linalg.norm(wanted)
    for place in np.argsort(-likeness)[:3]:
        print(f"{likeness[place]:.3f} {texts[place]}")


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    main([line for line in lines if line], sys.argv[2])
