"""No secret is anywhere in what is stored or told; and which names are secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
import boto3
import httpx
import openai
import pytest
import requests
import sqlalchemy as sa
from beautyspot_http.secrecy import (
    is_secret_header,
    is_secret_parameter,
    less_secrets,
    stored_headers,
)
from openai.types.chat import ChatCompletion
from servers.web import CANARY, WebSite


def arguments() -> Iterator[Any]:
    yield openai.OpenAI(api_key=f"sk-{CANARY}", webhook_secret=CANARY)
    yield openai.OpenAI(api_key="k", base_url=f"https://u:{CANARY}@example.com/v1?key={CANARY}")
    yield openai.OpenAI(api_key="k", default_headers={"X-Innocent": CANARY})
    yield openai.OpenAI(api_key="k", default_headers={"Helicone-Auth": CANARY})
    yield httpx.Client(auth=("u", CANARY))
    yield httpx.Client(headers={"X-Innocent": CANARY})
    yield httpx.Client(params={"token": CANARY})
    session = requests.Session()
    session.cookies.set("session", CANARY)
    yield session
    yield boto3.client(
        "bedrock-runtime", "us-east-1", aws_access_key_id=CANARY, aws_secret_access_key=CANARY
    )
    yield boto3.client("s3", "us-east-1", aws_access_key_id=CANARY, aws_secret_access_key=CANARY)
    yield sa.create_engine(
        f"postgresql+psycopg://u:{CANARY}@h/db", connect_args={"options": CANARY}
    )
    yield sa.create_engine(f"postgresql+psycopg://u@h/db?token={CANARY}")


def test_no_secret_is_stored_or_told(
    site: WebSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    folder = tmp_path / ".beautyspot"
    with bs.Spot("app", directory=folder, config=False, blob_threshold=200) as spot:
        use = spot.mark(lambda client, number: number)
        for client in arguments():
            for number in (1, 2):
                use(client, number)
            told += [str(spot.explain(use, client, number)) for number in (1, 3)]
        with caplog.at_level(logging.DEBUG):
            told += _fetched(spot, site)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert len(written) > 10_000
    assert CANARY.encode() not in written
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("beautyspot")]
    assert len(ours) > 3
    assert CANARY not in "".join(told + ours)


def _fetched(spot: bs.Spot, site: WebSite) -> list[str]:
    signed = f"{site.url}/moved?X-Amz-Signature={CANARY}&X-Amz-Credential={CANARY}%2Fx&page=1"
    headers = {"authorization": f"Bearer {CANARY}", "cookie": f"a={CANARY}"}

    @spot.mark
    def by_httpx(url: str) -> httpx.Response:
        return httpx.get(url, follow_redirects=True, headers=headers)

    @spot.mark
    def by_requests(url: str) -> requests.Response:
        return requests.get(url, headers=headers, timeout=9)

    @spot.mark
    def ask(client: openai.OpenAI) -> ChatCompletion:
        return client.chat.completions.create(model="m", messages=[])

    with openai.OpenAI(api_key=f"sk-{CANARY}", base_url=site.url) as with_key:
        for _ in range(2):
            by_httpx(signed)
            by_requests(signed)
            ask(with_key)
        assert spot.stats()["hits"] >= 3
        return [str(spot.explain(by_httpx, signed)), str(spot.explain(ask, with_key))]


@pytest.mark.parametrize(
    "name",
    [
        *("Set-Cookie", "Cookie", "Authorization", "Proxy-Authorization", "X-Api-Key", "api-key"),
        *("X-Auth-Token", "X-Subject-Token", "X-Amz-Security-Token", "X-CSRF-Token", "Token"),
        *("Authentication-Info", "X-Session-Id", "Ocp-Apim-Subscription-Key", "X-Functions-Key"),
        *("X-Goog-Api-Key", "Helicone-Auth", "X-Client-Secret", "X-Vault-Token", "Refresh-Token"),
    ],
)
def test_secret_headers(name: str) -> None:
    assert is_secret_header(name)
    assert is_secret_parameter(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Type", "ETag", "WWW-Authenticate", "X-RateLimit-Remaining-Tokens", "Link"),
        *("anthropic-ratelimit-tokens-limit", "X-Amzn-Bedrock-Input-Token-Count", "Server"),
        *(
            "Idempotency-Key",
            "X-Cache-Key",
            "openai-organization",
            "X-Request-Id",
            "Sec-Fetch-Site",
        ),
    ],
)
def test_harmless_headers(name: str) -> None:
    assert not is_secret_header(name)


@pytest.mark.parametrize(
    ("url", "less"),
    [
        ("https://u:p@h/a?b=1#c", "https://h/a?b=1#c"),
        (
            "https://h/a?key=1&page=2&X-Amz-Signature=3",
            "https://h/a?key=***&page=2&X-Amz-Signature=***",
        ),
        ("https://h/a?sv=1&sig=2;token=3", "https://h/a?sv=1&sig=***;token=***"),
        ("https://h/a#access_token=1&x=2", "https://h/a#access_token=***&x=2"),
        ("https://h/a?pageToken=1&next_token=2", "https://h/a?pageToken=1&next_token=2"),
        ("https://h/a?user[password]=1&x[]=2", "https://h/a?user[password]=***&x[]=2"),
        ("https://h/a?auth%5Btoken%5D=1&token[]=2", "https://h/a?auth%5Btoken%5D=***&token[]=***"),
        ("https://h/a?PHPSESSID=1&token%20=2", "https://h/a?PHPSESSID=***&token%20=***"),
        ("https://h/a;jsessionid=1?b=2#c", "https://h/a;jsessionid=***?b=2#c"),
        ("https://h/a;v=1/b?password2=1&pass=2", "https://h/a;v=1/b?password2=***&pass=***"),
        ("https://h/a?token=&b", "https://h/a?token=&b"),
        ("https://h/@a?q=u@h", "https://h/@a?q=u@h"),
        ("https://h/a?sort_key=1&idempotency-key=2", "https://h/a?sort_key=1&idempotency-key=2"),
    ],
)
def test_urls_less_secrets(url: str, less: str) -> None:
    assert less_secrets(url) == less


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("Location", "/a?token=1", "/a?token=***"),
        ("Refresh", "5; url=https://u:p@h/?key=1", "5; url=https://h/?key=***"),
        (
            "Link",
            '</a?sig=1>; rel="a", <https://h/?sig=2>; b',
            '</a?sig=***>; rel="a", <https://h/?sig=***>; b',
        ),
        ("X-Next", "https://u:p@h/a?page=2&token=3", "https://h/a?page=2&token=***"),
        ("X-Note", "a < b?token=3", "a < b?token=3"),
        ("X-Next", "/a?page=2&token=3", "/a?page=2&token=***"),
        ("X-Token", "1", None),
    ],
)
def test_headers_as_they_are_stored(name: str, value: str, stored: str | None) -> None:
    assert stored_headers([(name, value)]) == ([] if stored is None else [[name, stored]])
