"""Summaries of files, each made once for the whole team.

export BEAUTYSPOT_METADATA=s3://your-bucket/cache
export OPENAI_API_KEY=... AWS_PROFILE=...
python team_cache.py notes/*.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

import beautyspot as bs
from openai import OpenAI

MODEL = "gpt-4.1-mini"

spot = bs.Spot("team_cache", limiter="120/min")  # in a bucket no rate is shared: a part for each
client = OpenAI()


@spot.mark(version=1, key={"path": bs.KeyGen.from_file_content})
@spot.limiter
def summary(path: Path, *, model: str = MODEL) -> str:
    """A file in one sentence; what is in it counts, and not where it is."""
    text = f"Say in one sentence what this is about:\n\n{path.read_text(encoding='utf-8')}"
    reply = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}]
    )
    return reply.choices[0].message.content or ""


def main(paths: list[Path]) -> None:
    """Print a sentence for each file."""
    for path, sentence in zip(paths, spot.map(summary, paths), strict=True):
        print(f"{path.name}: {sentence}")
    stats = spot.stats()
    print(f"{stats['misses']} made here, {stats['hits']} by somebody before", file=sys.stderr)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
