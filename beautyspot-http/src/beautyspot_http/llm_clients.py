"""Clients of OpenAI and Anthropic, as arguments: they count by where they lead, and by no key.

What counts is public: the base URL, the texts among the attributes (organisation, project, region),
and headers and parameters that the program adds. What signs in does not: API keys, tokens,
`Authorization`. A rotated key is no miss. A part that a test or another library has replaced is
refused. What OpenAI's client returns for speech and files counts by the response in it.
"""

from __future__ import annotations

import importlib
from functools import cached_property
from typing import Any, Final

from beautyspot.contracts import TypeSupport
from beautyspot.errors import RestoreError

from beautyspot_http.counting import (
    SAY,
    check_methods,
    cookies,
    counted_headers,
    counted_parameters,
    refuse,
    replaced,
    without_defaults,
)
from beautyspot_http.http_clients import HttpxClientTypes, counted_connection
from beautyspot_http.responses import HttpxResponseTypes
from beautyspot_http.secrecy import is_secret_parameter, less_secrets

_OPENAI: Final = (
    *("openai:OpenAI", "openai:AsyncOpenAI", "openai:BedrockOpenAI", "openai:AsyncBedrockOpenAI"),
    *("openai.lib.azure:AzureOpenAI", "openai.lib.azure:AsyncAzureOpenAI"),
)
_ANTHROPIC: Final = (
    *("anthropic:Anthropic", "anthropic:AsyncAnthropic"),
    *(
        f"anthropic.lib.{module}:{kind}{name}"
        for module, name in (
            ("aws._client", "AWS"),
            ("bedrock._client", "Bedrock"),
            ("bedrock._mantle", "BedrockMantle"),
            ("foundry", "Foundry"),
            ("google_cloud._client", "GoogleCloud"),
            ("vertex._client", "Vertex"),
        )
        for kind in ("Anthropic", "AsyncAnthropic")
    ),
)

SIGNS_IN: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_WHO: Final = ("aws_profile",)
"""Attributes that say who signs in, besides those whose name is a secret's."""

_OF_LIBRARY: Final = ("accept", "content-type", "user-agent", "anthropic-version", "x-stainless-")
"""How the headers begin that the libraries add, and change with their releases."""

_OWN_HTTP: Final = (
    *("SyncHttpxClientWrapper", "AsyncHttpxClientWrapper"),
    *("_DefaultHttpxClient", "_DefaultAsyncHttpxClient"),
    *("DefaultHttpxClient", "DefaultAsyncHttpxClient"),
)


class LlmClientTypes(TypeSupport):
    """`openai.OpenAI`, `anthropic.Anthropic`, their async and cloud twins; no subclasses."""

    name = "llm-client"
    classes = (*_OPENAI, *_ANTHROPIC)

    def key(self, value: Any) -> object:
        """See the base class."""
        return counted_client(value)


def counted_client(client: Any, *owners: str) -> dict[str, object]:
    """What counts of a client of OpenAI or Anthropic.

    Args:
        client: the client.
        owners: the packages that have given it its client of HTTP: hooks of these do not count.

    Raises:
        UnstableKeyError: it has middleware or credentials, or something in it was replaced.
    """
    library = type(client).__module__.partition(".")[0]
    if getattr(client, "_middleware", None):
        refuse(f"has middleware, which may change what it sends and gets: {SAY}")
    _check_parts(client, client, library)
    texts = {
        name: less_secrets(str(each))
        for name, each in list(vars(client).items())  # another thread may add a resource
        if not name.startswith("_") and (isinstance(each, str) or name.endswith("_url"))
    }
    secret = [name for name in texts if is_secret_parameter(name) or name in _WHO]
    headers = (
        (name, each)
        for name, each in client.default_headers.items()
        if isinstance(each, str) and not name.lower().startswith(_OF_LIBRARY)
    )
    return {
        "base_url": less_secrets(str(client.base_url)),
        **without_defaults(
            texts={name: texts[name] for name in texts.keys() - secret},
            headers=counted_headers(headers, SIGNS_IN),
            params=counted_parameters(client.default_query.items(), is_secret_parameter),
            connection=_connection(client._client, library, owners),
        ),
    }


def _check_parts(part: Any, client: Any, library: str, path: str = "") -> None:
    """Refuse a client of which something was replaced, such as ``client.chat.completions``."""
    check_methods(part, path)
    for name, each in list(vars(part).items()):
        if isinstance(each, str):
            continue  # a region, which may be found out late as well
        late = isinstance(getattr(type(part), name, None), cached_property)  # made when first used
        of = getattr(each, "_client", None)
        if late and of is not client and (of is not None or not _is_of(each, library)):
            replaced(f"{path}{name}")
        if of is client:
            _check_parts(each, client, library, f"{path}{name}.")


def _is_of(value: object, library: str) -> bool:
    return type(value).__module__.partition(".")[0] == library


def _connection(http: Any, library: str, owners: tuple[str, ...]) -> dict[str, object]:
    """What the client of HTTP beneath it adds.

    It keeps the cookies of the servers that it has met. They do not count, as keys do not.
    """
    kind = type(http)
    ours = _is_of(http, library) and kind.__qualname__ in _OWN_HTTP
    if not ours and f"{kind.__module__}:{kind.__qualname__}" not in HttpxClientTypes.classes:
        refuse(f"has an http_client of its own, a {kind.__qualname__}: {SAY}")
    if any(not cookie.domain for cookie in cookies(http.cookies.jar)):
        refuse(f"has an http_client with cookies of its own: {SAY}")
    own = SIGNS_IN | {"user-agent"} if owners else SIGNS_IN  # which names their release
    return counted_connection(http, own, (library, *owners))


_MODULE: Final = "openai._legacy_response"
_NAME: Final = "HttpxBinaryResponseContent"


class LlmContentTypes(TypeSupport):
    """`HttpxBinaryResponseContent` of openai, by the response in it."""

    name = "llm-content"
    classes = (f"{_MODULE}:{_NAME}",)

    def key(self, value: Any) -> object:
        """See the base class."""
        return value.response

    def encode(self, value: Any) -> object:
        """See the base class."""
        return {"response": value.response}

    def decode(self, value: Any) -> Any:
        """See the base class."""
        response = value.get("response") if type(value) is dict else None
        if f"{type(response).__module__}:Response" not in HttpxResponseTypes.classes:
            raise RestoreError(f"response is a {type(response).__name__}")
        return getattr(importlib.import_module(_MODULE), _NAME)(response)
