"""Clients of OpenAI and Anthropic, as arguments: they count by where they lead, and by no key.

Base URL, organisation, project, region, deployment and API version count, and headers and
parameters that the program adds. What signs in does not: API keys, tokens, `Authorization`. A
rotated key is no miss. Attributes that are not known are refused: a part that a test or another
library replaced, or one of a release that is not known yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.checks import SAY, cookies, refuse, unknown
from beautyspot_http.counting import counted_headers, counted_parameters, without_defaults
from beautyspot_http.httpx_clients import HttpxClientTypes, counted_connection
from beautyspot_http.secrecy import is_secret_parameter, less_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

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

_COUNTED: Final = (
    *("organization", "project", "_data_residency", "aws_region", "region", "project_id"),
    *("location", "workspace_id", "_api_version", "_azure_deployment"),
)

_IGNORED: Final = frozenset(
    {
        # what signs in
        *("api_key", "_api_key_provider", "admin_api_key", "auth_token", "webhook_key"),
        *("webhook_secret", "workload_identity", "_workload_identity_auth", "credentials"),
        *("access_token", "_custom_auth", "_credential_headers", "_token_cache"),
        *("_ambient_authorizations", "_azure_ad_token", "_azure_ad_token_provider"),
        *("aws_secret_key", "aws_access_key", "aws_profile", "aws_session_token"),
        *("_bedrock_provider", "_bedrock_state", "_bedrock_token_provider"),
        *("_bedrock_runtime_signature", "_use_sigv4", "skip_auth", "_skip_auth"),
        # how it is told where to go; `_base_url` says where that is
        *("_base_url_was_default", "_unchosen_base_url", "_uses_region_derived_base_url"),
        "_azure_endpoint",
        # how it goes on, and what it tells others
        *("_version", "max_retries", "timeout", "_timeout", "_timeout_overridden", "_limits"),
        *("_idempotency_header", "_platform", "_default_stream_cls", "_open_telemetry"),
        *("_lazy_tracer", "_otel", "_middleware_chain", "_proxies", "_transport"),
    }
)

_READ: Final = frozenset(
    {
        *("_base_url", "websocket_base_url", "_client", "_custom_headers", "_custom_query"),
        *("_strict_response_validation", "_middleware", "_provider", "_provider_runtime"),
    }
)

_SIGNS_IN: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})

_OF_RESOURCES: Final = frozenset({"_get", "_post", "_patch", "_put", "_delete", "_get_api_list"})
_VIEWS: Final = ("WithRawResponse", "WithStreamedResponse", "WithStreamingResponse")

_OWN_HTTP: Final = ("SyncHttpxClientWrapper", "AsyncHttpxClientWrapper")
_GIVEN_HTTP: Final = (
    *("_DefaultHttpxClient", "_DefaultAsyncHttpxClient"),
    *("DefaultHttpxClient", "DefaultAsyncHttpxClient"),
)


class LlmClientTypes(TypeSupport):
    """`openai.OpenAI`, `anthropic.Anthropic`, their async and cloud twins; no subclasses."""

    name = "llm-client"
    classes = (*_OPENAI, *_ANTHROPIC)

    def key(self, value: Any) -> object:
        """See the base class."""
        library = type(value).__module__.partition(".")[0]
        held = dict(vars(value))  # another thread may add a resource
        _check_attributes(value, held, library)
        websockets = held.get("websocket_base_url")
        return {
            "base_url": less_secrets(str(value._base_url)),
            **without_defaults(
                **{name: held.get(name) for name in _COUNTED},
                websockets=websockets and less_secrets(str(websockets)),
                provider=getattr(held.get("_provider_runtime"), "name", None),
                strict=held.get("_strict_response_validation"),
                headers=_headers(value._custom_headers),
                params=counted_parameters(value._custom_query.items(), is_secret_parameter),
                connection=_connection(value._client, library),
            ),
        }


def _headers(given: Mapping[str, object]) -> list[list[str]]:
    """Headers of the program; one that is to be left out is an object of the library's own."""
    return counted_headers(
        (
            (name, value if isinstance(value, str) else f"<{type(value).__name__}>")
            for name, value in given.items()
        ),
        _SIGNS_IN,
    )


def _check_attributes(client: Any, held: Mapping[str, Any], library: str) -> None:
    if held.get("_middleware"):
        refuse(f"has middleware, which may change what it sends and gets: {SAY}")
    for name, value in held.items():
        if name not in _READ and name not in _IGNORED and name not in _COUNTED:
            _check_resource(name, value, client, library)


def _check_resource(path: str, value: Any, client: Any, library: str) -> None:
    """Refuse what is no untouched part of the client, such as ``client.chat.completions``."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != library:
        unknown(path, library)
    if kind.__qualname__.endswith(_VIEWS):
        return
    held = dict(vars(value))
    if held.get("_client") is not client:
        unknown(path, library)
    for name, part in held.items():
        if name in _OF_RESOURCES:
            if getattr(part, "__self__", None) is not client:
                unknown(f"{path}.{name}", library)
        elif name != "_client":
            _check_resource(f"{path}.{name}", part, client, library)


def _connection(http: Any, library: str) -> dict[str, object]:
    """What the client of HTTP beneath it adds; a proxy of the environment is nobody's choice.

    It keeps the cookies of the servers that it has met. They do not count, as keys do not.
    """
    kind = type(http)
    ours = kind.__module__.partition(".")[0] == library
    if ours and kind.__qualname__ in _OWN_HTTP:
        return counted_connection(http, _SIGNS_IN, library, with_proxies=False)
    given = ours and kind.__qualname__ in _GIVEN_HTTP
    if not given and f"{kind.__module__}:{kind.__qualname__}" not in HttpxClientTypes.classes:
        refuse(f"has an http_client of its own, a {kind.__qualname__}: {SAY}")
    if any(not cookie.domain for cookie in cookies(http.cookies.jar)):
        refuse(f"has an http_client with cookies of its own: {SAY}")
    return counted_connection(http, _SIGNS_IN, library)
