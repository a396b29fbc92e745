"""The types of HTTP libraries and of clients, for beautyspot: responses, API clients, engines.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker. The supports are imported when the first function is marked, and no library before
the program itself has imported it, or a stored value of it is restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot.contracts import TypeSupport

__all__: list[str] = []


@hookimpl
def beautyspot_register_types() -> list[type[TypeSupport]]:
    """The supports of all libraries."""
    from beautyspot_http.aws_clients import AwsClientTypes
    from beautyspot_http.engines import EngineTypes
    from beautyspot_http.frameworks import FrameworkTypes
    from beautyspot_http.http_clients import AiohttpSessionTypes, HttpxClientTypes, SessionTypes
    from beautyspot_http.llm_clients import LlmClientTypes, LlmContentTypes
    from beautyspot_http.responses import HttpxResponseTypes, RequestsResponseTypes

    return [
        AiohttpSessionTypes,
        AwsClientTypes,
        EngineTypes,
        FrameworkTypes,
        HttpxClientTypes,
        HttpxResponseTypes,
        LlmClientTypes,
        LlmContentTypes,
        RequestsResponseTypes,
        SessionTypes,
    ]
