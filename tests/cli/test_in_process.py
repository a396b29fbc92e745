"""What a shell asks for, and what a person sees and answers, without a shell and a terminal.

The same is tested with real ones beside this, in other processes.
"""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from beautyspot_cli.program import beautyspot
from click.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("words", "offered", "missing"),
    [
        (["l"], {"plain,ls"}, "plain,rm"),
        (["ls", "--so"], {"plain,--sort"}, "plain,--json"),
        (["ls", "--function", "shop:d"], {"plain,shop:draw"}, "plain,shop:ask"),
        (["ls", "shop:r"], {"plain,shop:report"}, "plain,shop:ask"),
        (["ls", "re"], {"plain,report"}, "plain,ask"),
        (["-s", "nowhere/", "ls", "shop:r"], set(), "plain,shop:report"),
        (["nonsense", "--f"], set(), "plain,--function"),
    ],
)
def test_bash_is_offered_words(
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    offered: set[str],
    missing: str,
) -> None:
    monkeypatch.setattr(logging, "disable", lambda: None)
    env = {"_BEAUTYSPOT_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["beautyspot", *words])}
    env["COMP_CWORD"] = str(len(words))
    answer = set(CliRunner().invoke(beautyspot, env=env).stdout.splitlines())
    assert offered <= answer
    assert missing not in answer


def test_a_name_that_a_shell_would_obey_is_not_offered(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "disable", lambda: None)
    with bs.Spot("shop", config=False) as spot:
        for name in ("app:x;touch$IFS'pwned'", "app:x\nplain,y", "app:xy", "--yes", "app:<x>"):
            spot.mark(name=name)(lambda: 1)()
    env = {"_BEAUTYSPOT_COMPLETE": "bash_complete", "COMP_WORDS": "beautyspot stats "}
    answer = CliRunner().invoke(beautyspot, env=env | {"COMP_CWORD": "2"}).stdout.splitlines()
    known = {end for name in ("ask", "draw", "fail", "report") for end in (name, f"shop:{name}")}
    assert set(answer) == {f"plain,{name}" for name in {"app:xy", "xy"} | known}
    env = {"_BEAUTYSPOT_COMPLETE": "zsh_complete", "COMP_WORDS": "beautyspot show "}
    answer = CliRunner().invoke(beautyspot, env=env | {"COMP_CWORD": "2"}).stdout
    assert len(answer.splitlines()) == 3 * 11


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Result]:
    """Removes the results of a function as a person does, and gives an answer."""
    seen = SimpleNamespace(isatty=lambda: True)
    ours = SimpleNamespace(stdin=seen, stderr=seen, stdout=sys.stdout)
    monkeypatch.setattr("beautyspot_cli.removing.sys", ours)

    def answer(text: str) -> Result:
        return CliRunner().invoke(beautyspot, ["rm", "--function", "shop:ask"], input=text)

    return answer


@pytest.mark.parametrize(
    ("text", "status", "said", "left"),
    [
        ("y\n", 0, "removed 4 results", 0),
        ("n\n", 0, "nothing was removed", 4),
        ("", 130, "interrupted", 4),
    ],
)
def test_a_person_is_asked(
    shop: Path, person: Callable[[str], Result], text: str, status: int, said: str, left: int
) -> None:
    done = person(text)
    assert done.exit_code == status
    assert said in done.stderr
    with bs.open_store(shop) as store:
        assert store.total(function="shop:ask").entries == left


def test_zsh_is_offered_keys_with_their_functions(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "disable", lambda: None)
    with bs.open_store(shop) as store:
        [picture] = store.rows(function="shop:draw")
    for words, number in (("beautyspot show ", "2"), (f"beautyspot show {picture.cache_key}", "2")):
        env = {"_BEAUTYSPOT_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": number}
        answer = CliRunner().invoke(beautyspot, env=env).stdout
        assert f"{picture.cache_key}\nshop:draw" in answer
