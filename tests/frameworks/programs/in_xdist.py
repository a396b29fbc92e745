"""Tests that pytest's workers run."""
import pytest
from with_workers import ran, spot
@spot.mark
def answer(prompt: str) -> str: ran("answer"); return prompt.upper()
@pytest.fixture(scope="session")
def model() -> str: return answer("model")
@pytest.mark.parametrize("prompt", ["a", "b", "c", "d"])
def test_it(model, prompt): assert answer(prompt) + model == prompt.upper() + "MODEL"
