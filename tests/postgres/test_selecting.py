"""What is libpq's in settings that name a server; the rest is in `tests/machines`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import beautyspot as bs
import pytest
from servers.postgres import Postgres


def test_variables_of_libpq_name_it(
    make_spot: Callable[..., bs.Spot],
    postgres_server: Postgres,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"HOST": "127.0.0.1", "PORT": str(postgres_server.port), "USER": "postgres"}
    for name, value in given.items():
        monkeypatch.setenv(f"PG{name}", value)
    spot = make_spot(namespace, metadata={"use": "postgres", "dbname": "postgres"}, strict=True)
    assert [spot.cached_run(abs, -1), spot.cached_run(abs, -1)] == [1, 1]
    assert spot.stats()["hits"] == 1


def test_a_certificate_is_looked_for_beside_the_file(
    make_spot: Callable[..., bs.Spot], tmp_path: Path
) -> None:
    file = tmp_path / "beautyspot.toml"
    file.write_text('metadata = { use = "postgres://h/d", sslrootcert = "ca.pem" }\n')
    with pytest.raises(bs.ConfigError, match=str(tmp_path / "ca.pem")):
        make_spot(config=file)
    (tmp_path / "ca.pem").touch()
    make_spot(config=file)
    file.write_text('metadata = { use = "postgres://h/d", sslrootcert = "system" }\n')
    make_spot(config=file)
