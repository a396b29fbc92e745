"""Did you mean ...? The end of every message about an unknown word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known word that looks most like `word`, else nothing."""
    import difflib  # 10 ms, and only where something went wrong

    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def listing(words: Iterable[str]) -> str:
    """The words, sorted and with commas between them; ``none`` where there are none."""
    return ", ".join(sorted(words)) or "none"
