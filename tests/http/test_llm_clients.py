"""Clients of OpenAI and Anthropic: a rotated key is a hit, another address is none."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import anthropic
import beautyspot as bs
import httpx
import httpx2
import openai
import pytest
from anthropic.lib.aws import AnthropicAWS
from beautyspot.testing import memory_spot
from beautyspot_http.llm_clients import LlmClientTypes, LlmContentTypes
from beautyspot_http.responses import HttpxResponseTypes
from beautyspot_testing.types import TypeSupportContract
from openai._legacy_response import HttpxBinaryResponseContent
from openai.types.chat import ChatCompletion
from servers.web import CANARY, WebSite

Closing = Callable[[Any], Any]
TLS = ssl.create_default_context()
KEY = f"sk-{CANARY}"


def gpt(cls: Any = openai.OpenAI, **options: Any) -> Any:
    return cls(**{"api_key": KEY, **options})


def claude(cls: Any = anthropic.Anthropic, **options: Any) -> Any:
    return cls(**{"api_key": KEY, **options})


def azure(cls: Any = openai.AzureOpenAI, **options: Any) -> Any:
    given = {"azure_endpoint": "https://a.example.com", "api_version": "2024-10-21"}
    return gpt(cls, **{**given, **options})


class TestLlmClients(TypeSupportContract):
    storable = False
    lazy = False  # it names modules, and imports none: `test_processes` asks for the libraries

    def make(self) -> LlmClientTypes:
        return LlmClientTypes()

    def samples(self) -> list[Any]:
        return [
            gpt(),
            gpt(organization="one"),
            gpt(project="one"),
            gpt(base_url="http://one.example.com/v1"),
            gpt(base_url="http://two.example.com/v1"),
            gpt(default_headers={"X-Provider": "one"}),
            gpt(default_headers={"X-Provider": "two"}),
            gpt(default_query={"preview": "1"}),
            gpt(http_client=httpx2.Client(verify=TLS, headers={"X-Tenant": "one"})),
            gpt(openai.AsyncOpenAI),
            azure(),
            azure(api_version="2025-01-01"),
            azure(azure_deployment="small"),
            azure(openai.AsyncAzureOpenAI),
            gpt(openai.BedrockOpenAI, aws_region="us-east-1"),
            gpt(openai.AsyncBedrockOpenAI, aws_region="us-east-1"),
            claude(),
            claude(base_url="http://one.example.com"),
            claude(default_headers={"anthropic-beta": "one"}),
            claude(anthropic.AsyncAnthropic),
            anthropic.AnthropicBedrock(aws_region="us-east-1"),
            anthropic.AnthropicBedrock(aws_region="eu-west-1"),
            anthropic.AnthropicVertex(region="us-east5", project_id="one"),
            anthropic.AnthropicVertex(region="us-east5", project_id="two"),
            claude(anthropic.AnthropicFoundry, resource="one"),
            claude(AnthropicAWS, aws_region="us-east-1", workspace_id="one"),
            claude(AnthropicAWS, aws_region="us-east-1", workspace_id="two"),
        ]

    def same(self, left: Any, right: Any) -> bool:
        return type(left) is type(right) and left.base_url == right.base_url

    def source(self) -> None:
        """Other processes are asked in `test_processes`, once for all supports."""

    def test_the_samples_are_of_the_classes_that_it_names(self) -> None:
        """All but the asynchronous twins of clouds, and those that look for credentials."""
        names = {f"{type(each).__module__}:{type(each).__qualname__}" for each in self.samples()}
        assert names <= set(self.make().classes)


def take(client: Any) -> None:
    del client


def test_neither_keys_nor_patience_count() -> None:
    alike = [
        [
            gpt(),
            gpt(api_key="sk-rotated"),
            gpt(default_query={"api_key": CANARY}),
            gpt(timeout=3, max_retries=7, webhook_secret=CANARY, admin_api_key=CANARY),
            gpt().with_options(timeout=3),
            gpt(default_headers={"Authorization": f"Bearer {CANARY}"}),
            gpt(http_client=openai.DefaultHttpxClient(verify=TLS, timeout=4)),
            gpt(http_client=httpx2.Client(verify=TLS)),
            gpt(http_client=httpx.Client(verify=TLS)),
            gpt(base_url=f"https://u:{CANARY}@api.openai.com/v1"),
        ],
        [claude(), claude(api_key=None, auth_token=CANARY), claude(webhook_key=CANARY)],
        [azure(), azure(api_key=None, azure_ad_token=CANARY)],
        [
            anthropic.AnthropicBedrock(aws_region="us-east-1"),
            anthropic.AnthropicBedrock(
                aws_region="us-east-1", aws_access_key=CANARY, aws_secret_key=CANARY
            ),
        ],
    ]
    with memory_spot() as spot:
        marked = spot.mark(take)
        keys = [{spot.key(marked, client) for client in clients} for clients in alike]
        assert [len(each) for each in keys] == [1] * len(alike)
        assert len(set.union(*keys)) == len(alike)


def test_a_client_that_was_used_has_the_key_of_a_new_one(site: WebSite, closing: Closing) -> None:
    with memory_spot() as spot:
        marked = spot.mark(take)
        one, two = closing(gpt(base_url=site.url)), closing(claude(base_url=site.url))
        keys = [spot.key(marked, each) for each in (one, two)]
        one.chat.completions.create(model="small", messages=[])
        assert one.chat.completions.with_raw_response.create(model="small", messages=[]).headers
        two.messages.create(model="small", max_tokens=1, messages=[])
        assert len(one._client.cookies) == 1, "of the server: they do not count"
        assert [spot.key(marked, each) for each in (one, two)] == keys


def replaced(path: str) -> Any:
    client = gpt()
    *owners, name = path.split(".")
    owner = client
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, Mock())
    return client


def replaced_of_a_cloud() -> Any:
    client = anthropic.AnthropicBedrock(aws_region="us-east-1")
    client.messages.create = Mock()  # type: ignore[method-assign]
    return client


def moved(name: str) -> Any:
    client = gpt()
    setattr(client, name, getattr(gpt(base_url="http://other.example.com"), name))
    return client


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (lambda: replaced("chat.completions.create"), "chat.completions.create"),
        (lambda: replaced("post"), "something in post"),
        (lambda: replaced_of_a_cloud(), "something in messages.create"),
        (lambda: moved("chat"), "something in chat"),
        (lambda: gpt(default_headers={"Helicone-Auth": CANARY}), "the header Helicone-Auth"),
        (lambda: gpt(default_query={"filter": Mock()}), "a Mock among its parameters"),
        (
            lambda: gpt(http_client=httpx2.Client(transport=httpx2.MockTransport(print))),
            "a MockTransport",
        ),
        (lambda: gpt(http_client=httpx2.Client(verify=TLS, auth=("u", CANARY))), "by its auth"),
        (lambda: gpt(http_client=httpx2.Client(verify=TLS, cookies={"a": CANARY})), "cookies"),
        (lambda: gpt(http_client=OwnHttp(verify=TLS)), "an http_client of its own, a OwnHttp"),
        (
            lambda: gpt(http_client=httpx2.Client(verify=TLS, event_hooks={"request": [print]})),
            "event hooks",
        ),
        (lambda: claude(middleware=[lambda request, call_next: call_next(request)]), "middleware"),
    ],
)
def test_what_was_replaced_or_is_not_known_is_refused(client: Any, said: str) -> None:
    with memory_spot() as spot, pytest.raises(bs.UnstableKeyError, match=said) as caught:
        spot.mark(take)(client())
    assert CANARY not in str(caught.value)


class OwnHttp(httpx2.Client):
    """A class of the program's."""


class OwnClient(openai.OpenAI):
    """A class of the program's."""


def test_a_subclass_is_refused_and_so_is_a_mock() -> None:
    with memory_spot() as spot:
        marked = spot.mark(take)
        with pytest.raises(bs.UnstableKeyError, match="no form that is the same") as caught:
            marked(OwnClient(api_key=KEY))
        assert CANARY not in str(caught.value)
        with pytest.raises(bs.UnstableKeyError, match="stands for another object"):
            spot.key(marked, Mock(spec=openai.OpenAI))


# ---------------------------------------------------------------------------- what they return


class Assistant:
    """As programs have them: the client is an attribute."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def ask(self, prompt: str) -> ChatCompletion:
        messages = [{"role": "user", "content": prompt}]
        found: ChatCompletion = self.client.chat.completions.create(model="m", messages=messages)
        return found


def test_an_answer_comes_back_whole_whatever_the_key(site: WebSite, closing: Closing) -> None:
    with memory_spot() as spot:
        ask = spot.mark(Assistant.ask)
        asked = site.asked
        clients = [closing(gpt(base_url=site.url, api_key=key)) for key in ("a", "b")]
        one, two = (ask(Assistant(client), "?") for client in clients)
        assert site.asked == asked + 1
        assert site.keys[-1] == "Bearer a"
    assert type(two) is ChatCompletion
    assert two == one
    assert two._request_id == one._request_id == "req_1"
    assert two.choices[0].message.content == "hi"
    assert two.model_extra == one.model_extra == {"added_by_a_gateway": {"cost": [1]}}


def test_an_answer_that_nothing_names_says_what_to_write(site: WebSite, closing: Closing) -> None:
    with memory_spot() as spot:
        ask = spot.mark(lambda client: client.chat.completions.create(model="m", messages=[]))
        with pytest.raises(bs.SerializationError, match="-> ChatCompletion"):
            ask(closing(gpt(base_url=site.url)))
        spot.register(ChatCompletion)
        one, two = (ask(closing(gpt(base_url=site.url))) for _ in range(2))
        assert one == two
        assert spot.stats()["hits"] == 1


class TestLlmContents(TypeSupportContract):
    lazy = False  # as above

    def make(self) -> LlmContentTypes:
        return LlmContentTypes()

    def samples(self) -> list[Any]:
        return [
            HttpxBinaryResponseContent(library.Response(200, content=content))
            for library in (httpx, httpx2)
            for content in (b"a", b"b")
        ]

    def same(self, left: Any, right: Any) -> bool:
        return bool(left.content == right.content)

    def _types(self) -> dict[str, Any]:
        return super()._types() | dict.fromkeys(HttpxResponseTypes.classes, HttpxResponseTypes())

    def source(self) -> None:
        """As above."""

    def test_a_spot_caches_by_it(self) -> None:
        """It needs the support of responses, too: see the test below."""


def test_speech_is_paid_once(site: WebSite, closing: Closing, tmp_path: Path) -> None:
    with memory_spot() as spot:

        @spot.mark
        def speak(client: openai.OpenAI, text: str) -> Any:
            return client.audio.speech.create(input=text, model="m", voice="alloy")

        clients = [closing(gpt(base_url=site.url, api_key=key)) for key in "ab"]
        one, two = (speak(client, "hi") for client in clients)
        assert spot.stats()["hits"] == 1
    assert type(two) is type(one)
    assert two.content == one.content == two.read() == b"".join(two.iter_bytes())
    two.write_to_file(tmp_path / "speech.mp3")
    assert (tmp_path / "speech.mp3").read_bytes() == one.content
    with pytest.raises(bs.RestoreError):
        LlmContentTypes().decode({"response": b"abc"})
