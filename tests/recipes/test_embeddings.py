"""The recipe for embeddings: each text is sent once."""

from __future__ import annotations

from recipes.conftest import Recipe
from servers.models import ModelServer

TEXTS = ["tea is warm", "coffee is hot and strong", "a day", "tea is warm"]


def nearest(recipe: Recipe, texts: list[str]) -> str:
    (recipe.folder / "texts.txt").write_text("\n".join(texts))
    return recipe.run("embeddings.py", "texts.txt", "a cup of tea").stdout


def test_only_what_is_new_is_embedded(recipe: Recipe, models: ModelServer) -> None:
    models.refuse(1, {"Retry-After": "1.5"})  # longer than stamina sleeps by itself
    first = nearest(recipe, TEXTS)
    assert models.asked == [TEXTS[:3], ["a cup of tea"]]
    assert first.startswith("0.9")
    assert len(first.splitlines()) == 3
    assert nearest(recipe, TEXTS) == first
    assert len(models.asked) == 2
    nearest(recipe, [*TEXTS, "a night"])
    assert models.asked[2:] == [["a night"]]
    assert models.too_early == 0
