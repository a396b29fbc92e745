"""Recipes for language models: limits, retries, costs, streams, structured output, kills."""

from __future__ import annotations

import signal

import beautyspot as bs
import pytest
from gates import until
from recipes.conftest import Recipe
from servers.models import COMPLETION_TOKENS, ModelServer

PROMPTS = [f"why is number {n} odd" for n in range(4)]
DOLLARS = {"llm_batch.py": (0.4e-6, 1.6e-6), "llm_batch_async.py": (1e-6, 5e-6)}


def and_async(program: str) -> pytest.MarkDecorator:
    """A recipe, and its twin of the other SDK, the import of which takes long."""
    twin = pytest.param(program.replace(".py", "_async.py"), marks=pytest.mark.slow)
    return pytest.mark.parametrize("program", [program, twin])


def batch_of(program: str) -> str:
    """The program whose limits another one shares."""
    return "llm_batch_async.py" if program.endswith("_async.py") else "llm_batch.py"


def written(recipe: Recipe, prompts: list[str]) -> str:
    (recipe.folder / "prompts.txt").write_text("".join(f"{prompt}\n" for prompt in prompts))
    return "prompts.txt"


def money(prompts: list[str], program: str) -> str:
    """What so many answers cost, as the programs print it."""
    prompt, answer = DOLLARS[program]
    return f"{len(prompts) * (5 * prompt + COMPLETION_TOKENS * answer):.4f} $"


@and_async("llm_batch.py")
def test_a_batch_is_paid_once_though_the_server_refuses_at_first(
    program: str, recipe: Recipe, models: ModelServer
) -> None:
    models.refuse(2, {"Retry-After": "0.4"})
    file = written(recipe, PROMPTS)
    first = recipe.run(program, file)
    assert sorted(models.asked) == PROMPTS
    assert (models.refused, models.too_early) == (2, 0)
    assert all(prompt.upper() in first.stdout for prompt in PROMPTS)
    assert f"spent {money(PROMPTS, program)}" in first.stderr
    assert granted(recipe) == len(PROMPTS) + 2, "each attempt should have a permit"
    second = recipe.run(program, file)
    assert len(models.asked) == len(PROMPTS), "the second run should cost nothing"
    assert "spent 0.0000 $" in second.stderr
    assert f"saved {money(PROMPTS, program)}" in second.stderr
    assert all(prompt.upper() in second.stdout for prompt in PROMPTS)


@pytest.mark.slow
def test_a_batch_that_is_killed_goes_on_where_it_was(recipe: Recipe, models: ModelServer) -> None:
    prompts = [f"why is number {n} odd" for n in range(12)]
    file = written(recipe, prompts)
    with recipe.begin("llm_batch.py", file, PYTHONUNBUFFERED="1") as program:
        assert program.stdout is not None
        shown = [program.stdout.readline().split(":")[0] for _ in range(2)]
        program.kill()
        program.communicate()
    assert shown == prompts[:2]
    assert set(models.asked) < set(prompts), "it should be killed midway"
    recipe.run("llm_batch.py", file)
    assert set(models.asked) == set(prompts)
    assert [models.asked.count(prompt) for prompt in shown] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "again"),
    [("llm_batch.py", []), ("llm_batch_async.py", PROMPTS)],
    ids=["sync", "async"],
)
def test_ctrl_c_ends_a_batch_as_the_page_says(
    name: str, again: list[str], recipe: Recipe, models: ModelServer
) -> None:
    file = written(recipe, PROMPTS)
    models.open.clear()
    with recipe.begin(name, file) as program:
        until(lambda: len(models.asked) == len(PROMPTS))
        program.send_signal(signal.SIGINT)
        if again:
            program.wait(60)  # it waits for no answer
        models.open.set()
        program.communicate()
    models.asked.clear()
    recipe.run(name, file)
    assert sorted(models.asked) == again


def test_what_fails_is_told_and_tried_by_the_next_run(recipe: Recipe, models: ModelServer) -> None:
    models.refuse(1, {}, status=400)
    file = written(recipe, PROMPTS)
    first = recipe.run("llm_batch.py", file)
    assert first.stderr.count(": failed: ") == 1
    assert len(models.asked) == 3
    assert ": failed: " not in recipe.run("llm_batch.py", file).stderr
    assert len(models.asked) == 4


@and_async("llm_stream.py")
def test_a_stream_is_kept_and_its_cost_is_known(
    program: str, recipe: Recipe, models: ModelServer
) -> None:
    recipe.copy(batch_of(program))
    models.refuse(1, {"Retry-After": "0.2"})
    first = recipe.run(program, "tell me a story")
    assert (models.refused, models.too_early) == (1, 0)
    assert granted(recipe) == 2, "each attempt should have a permit"
    assert "TELL ME A STORY" in first.stdout
    assert "spent 0.0000 $" in recipe.run(program, "tell me a story").stderr
    assert models.asked == ["tell me a story"]
    assert spent(recipe) > 0


@pytest.mark.slow
def test_many_streams_are_lists_of_chunks(recipe: Recipe, models: ModelServer) -> None:
    recipe.copy("llm_batch.py")
    recipe.copy("llm_stream.py")
    models.refuse(1, {"Retry-After": "0.2"})
    file = written(recipe, PROMPTS)
    first = recipe.run("llm_streams.py", file)
    assert all(prompt.upper() in first.stdout for prompt in PROMPTS)
    assert (sorted(models.asked), models.refused, models.too_early) == (PROMPTS, 1, 0)
    assert recipe.run("llm_streams.py", file).stdout == first.stdout
    assert len(models.asked) == len(PROMPTS)


@pytest.mark.slow
@and_async("llm_structured.py")
def test_what_a_model_fills_in_is_kept(program: str, recipe: Recipe, models: ModelServer) -> None:
    recipe.copy(batch_of(program))
    models.structured = {"number": "A1", "total": 2.5}
    models.refuse(1, {"Retry-After": "0.2"})
    first = recipe.run(program, "invoice A1: 2.50")
    assert (models.refused, models.too_early) == (1, 0)
    assert first.stdout == "number='A1' total=2.5\n"
    assert recipe.run(program, "invoice A1: 2.50").stdout == first.stdout
    assert models.asked == ["invoice A1: 2.50"]
    assert spent(recipe) > 0


def granted(recipe: Recipe) -> int:
    """How many permits all runs had."""
    with bs.open_store(recipe.folder / ".beautyspot") as store:
        return sum(counts.grants for counts in store.counts())


def spent(recipe: Recipe) -> float:
    """What all runs have cost."""
    with bs.open_store(recipe.folder / ".beautyspot") as store:
        return sum(counts.money_spent for counts in store.counts())
