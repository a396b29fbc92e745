"""What OpenAI's client returns for speech and files: bytes, around a response of HTTP."""

from __future__ import annotations

import importlib
from typing import Any, Final

from beautyspot.contracts import TypeSupport
from beautyspot.errors import RestoreError

from beautyspot_http.checks import check_known
from beautyspot_http.httpx_responses import HttpxResponseTypes

_MODULE: Final = "openai._legacy_response"
_NAME: Final = "HttpxBinaryResponseContent"


class LlmContentTypes(TypeSupport):
    """`HttpxBinaryResponseContent` of openai, by the response in it."""

    name = "llm-content"
    classes = (f"{_MODULE}:{_NAME}",)

    def key(self, value: Any) -> object:
        """See the base class."""
        check_known(value, {"response"}, "openai")
        return value.response

    def encode(self, value: Any) -> object:
        """See the base class."""
        return {"response": self.key(value)}

    def decode(self, value: Any) -> Any:
        """See the base class."""
        response = value.get("response") if type(value) is dict else None
        if f"{type(response).__module__}:Response" not in HttpxResponseTypes.classes:
            raise RestoreError(f"response is a {type(response).__name__}")
        return getattr(importlib.import_module(_MODULE), _NAME)(response)
