"""Clients of boto3: those of models, and those that sign nothing, count by where they lead."""

from __future__ import annotations

from typing import Any

import beautyspot as bs
import boto3
import botocore.handlers
import pytest
from beautyspot.testing import memory_spot
from beautyspot_http.aws_clients import AwsClientTypes
from beautyspot_testing.types import TypeSupportContract
from botocore import UNSIGNED
from botocore.config import Config
from servers.web import CANARY


@pytest.fixture(autouse=True)
def unmocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the handler that moto puts into each client of a process that has imported it."""
    own = [
        handler
        for handler in botocore.handlers.BUILTIN_HANDLERS
        if not type(handler[1]).__module__.startswith("moto.")
    ]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", own)


def client(service: str = "bedrock-runtime", region: str = "us-east-1", **options: Any) -> Any:
    given = {"aws_access_key_id": f"AKIA{CANARY}", "aws_secret_access_key": CANARY, **options}
    return boto3.client(service, region_name=region, **given)


def unsigned(service: str, **options: Any) -> Any:
    return client(service, config=Config(signature_version=UNSIGNED), **options)


class TestAwsClients(TypeSupportContract):
    storable = False

    def make(self) -> AwsClientTypes:
        return AwsClientTypes()

    def samples(self) -> list[Any]:
        return [
            client(),
            client(region="eu-west-1"),
            client(endpoint_url="https://models.example.com"),
            unsigned("s3"),
            unsigned("s3", endpoint_url="http://127.0.0.1:9000"),
        ]

    def same(self, left: Any, right: Any) -> bool:
        return bool(left.meta.endpoint_url == right.meta.endpoint_url)

    def source(self) -> None:
        """Other processes are asked in `test_processes`, once for all supports."""


def take(client: Any) -> None:
    del client


def test_credentials_do_not_count_for_models() -> None:
    with memory_spot() as spot:
        marked = spot.mark(take)
        alike = [
            client(),
            client(aws_access_key_id="AKIAOTHER", aws_session_token=CANARY),
            client(config=Config(retries={"max_attempts": 9}, read_timeout=300)),
        ]
        assert len({spot.key(marked, each) for each in alike}) == 1


class OwnMixin:
    """Of the program's."""


def mixed() -> Any:
    made = client()
    made.__class__ = type("Own", (OwnMixin, type(made)), {})
    return made


def patched() -> Any:
    made = client()
    made.converse = print
    return made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: client("s3"), "signs its requests to s3"),
        (lambda: client("dynamodb"), "signs its requests to dynamodb"),
        (lambda: client(endpoint_url=f"https://u:{CANARY}@example.com"), "credentials in an"),
        (mixed, "is a class of its own, Own"),
        (patched, "something in converse"),
    ],
)
def test_a_client_that_may_get_another_accounts_answers_is_refused(made: Any, said: str) -> None:
    with memory_spot() as spot, pytest.raises(bs.UnstableKeyError, match=said) as caught:
        spot.mark(take)(made())
    assert CANARY not in str(caught.value)
