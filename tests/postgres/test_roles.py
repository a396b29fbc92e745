"""Spots whose role may only use, or only read, what another one has made."""

from __future__ import annotations

from collections.abc import Callable

import beautyspot as bs
import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot_postgres import roles
from beautyspot_postgres.__main__ import main
from kinds import RAN
from servers.postgres import Postgres


def twice(number: int) -> int:
    RAN.append(number)
    return 2 * number


@pytest.fixture
def of_kind(
    postgres_server: Postgres,
    database: str,
    role: str,
    capsys: pytest.CaptureFixture[str],
) -> dict[str, str]:
    """For each kind of role the address of such a one, who has what the command grants."""
    import psycopg

    urls = {}
    options = []
    for kind in roles.GRANTS:
        name = f"{role}_{kind}"
        postgres_server.ask(f"CREATE ROLE {name} LOGIN")
        urls[kind] = database.replace("postgres@", f"{name}@")
        options += [f"--{kind}", name]
    assert main(["schema", *options]) == 0
    statements = capsys.readouterr().out.partition("\n")[2]
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(statements.encode())
    return urls | {"owner": database}


def test_a_user_needs_no_owner(make_spot: Callable[..., bs.Spot], of_kind: dict[str, str]) -> None:
    there = of_kind["user"]
    spot = make_spot(
        metadata={"use": there, "demands_signing": True},
        limiter={"use": there, "rate": "100/s"},
        signing_key="0" * 64,
        strict=True,
    )
    marked = spot.mark(spot.limiter(twice, max_concurrent=2), tags=["a"])
    assert [marked(1), marked(1), marked(2), RAN] == [2, 2, 4, [1, 2]]
    assert spot.invalidate(twice, 1)
    assert spot.prune(older_than="0.000001s").old == 1
    assert spot.mark(twice, tags=["a"])(3) == 6
    assert spot.stats()["errors"] == 0
    spot.shutdown()
    with bs.open_store(there, name="app", config=False) as store:
        assert store.total().entries == 1
        assert store.remove(tag="a").entries == 1


@pytest.mark.parametrize("mode", ["readonly", "replay"])
def test_a_reader_finds_what_is_there(
    make_spot: Callable[..., bs.Spot], of_kind: dict[str, str], mode: str
) -> None:
    assert make_spot(metadata=of_kind["user"]).mark(twice)(1) == 2
    spot = make_spot(metadata=of_kind["reader"], mode=mode, strict=True)
    marked = spot.mark(twice)
    assert [marked(1), RAN] == [2, [1]]
    if mode == "readonly":
        assert [marked(2), marked(2), RAN] == [4, 4, [1, 2, 2]]
    else:
        with pytest.raises(bs.BeautyspotError):
            marked(2)
    spot.shutdown()
    with bs.open_store(of_kind["reader"], name="app", config=False) as store:
        assert store.total().entries == 1
        assert [row.func_name for row in store.rows()] == ["twice"]
        assert store.value(next(iter(store.rows())).cache_key) == 2
        assert next(iter(store.functions())).entries == 1
    found = {
        one.subject: one.state for one in bs.examine(of_kind["reader"], name="app", config=False)
    }
    assert "problem" not in found.values()


def test_a_reader_that_would_write_is_told(
    make_spot: Callable[..., bs.Spot], of_kind: dict[str, str], troubles: list[Trouble]
) -> None:
    make_spot(metadata=of_kind["user"]).mark(twice)(1)
    spot = make_spot(metadata=of_kind["reader"], on_error=troubles.append)
    marked = spot.mark(twice)
    assert [marked(1), marked(2), RAN] == [2, 4, [1, 2]]
    told = [str(trouble.error) for trouble in troubles]
    assert told
    assert all("the role lacks a privilege" in text for text in told)
    assert all('if it is only to find results, set mode="readonly"' in text for text in told)


@pytest.mark.parametrize("kind", ["user", "reader"])
def test_what_examine_says_of_a_role(
    make_spot: Callable[..., bs.Spot],
    of_kind: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    make_spot(metadata=of_kind["user"]).mark(twice)(1)
    monkeypatch.setenv("BEAUTYSPOT_LIMITER", f"{of_kind[kind]}?rate=5/s")
    found = list(bs.examine(of_kind[kind], name="app"))
    only_reads = ("ok", "results are found and not stored: the role may only read")
    said = [(one.state, one.text) for one in found if one.subject == "metadata postgres"]
    assert (only_reads in said) is (kind == "reader")
    limiter = [one for one in found if one.subject == "limiter postgres"][-1]
    if kind == "user":
        assert (limiter.state, limiter.text) == ("ok", "its server answers")
    else:
        assert limiter.state == "problem"
        assert limiter.text.startswith("the role may not use the limit")
        assert "python -m beautyspot_postgres schema --user" in limiter.text
        assert "or give it a limiter of its own" in limiter.text


@pytest.mark.parametrize("kind", ["viewer", "nobody"])
def test_who_may_read_nothing_runs_uncached_and_is_told_what_to_run(
    make_spot: Callable[..., bs.Spot],
    postgres_server: Postgres,
    of_kind: dict[str, str],
    database: str,
    role: str,
    kind: str,
    troubles: list[Trouble],
) -> None:
    url = of_kind.get(kind, database.replace("postgres@", f"{role}@"))
    spot = make_spot(metadata=url, on_error=troubles.append)
    marked = spot.mark(twice)
    assert [marked(1), marked(1), RAN] == [2, 2, [1]], "it waits in memory"
    told = [str(one.error) for one in troubles]
    assert any("python -m beautyspot_postgres schema --user" in text for text in told)
