"""Objects of frameworks around language models, as arguments: by what leads to another answer.

The model, its settings and where it is reached count. What signs in, traces, calls back, shows
progress, waits or is computed from the rest does not. All else that an object holds counts as ever,
attributes of a subclass too, so what no one has looked at is rather a miss than a wrong answer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.counting import SAY, counted_headers, counted_url, refuse, without_defaults
from beautyspot_http.http_clients import counted_connection
from beautyspot_http.llm_clients import SIGNS_IN, LlmClientTypes, counted_client
from beautyspot_http.secrecy import is_secret_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ASIDE: Final = frozenset(
    {
        *("cache", "callback_manager", "callbacks", "custom_get_token_ids", "max_retries", "name"),
        *("metadata", "profile", "rate_limiter", "request_timeout", "show_progress_bar", "tags"),
        *("http_socket_options", "retry_max_seconds", "retry_min_seconds", "stream_chunk_timeout"),
        *("embeddings_cache", "num_workers", "timeout", "verbose"),
    }
)
"""Fields of models that change no answer."""

_LIBRARIES: Final = ("langchain", "llama_index")
"""How the modules begin whose classes have such fields; in others they may mean something else."""


def _model(value: Any) -> object:
    """The fields of a model of LangChain or LlamaIndex that were given, and where it asks.

    Clients are made of these fields, some of them late.
    """
    kind = type(value)
    fields = getattr(kind, "model_fields", {})
    held = dict(vars(value))
    library = next((b for b in kind.__mro__ if b.__module__.startswith(_LIBRARIES)), kind)
    own = {*(fields or held)} - {*getattr(library, "model_fields", {})}
    if library is kind:  # else these are what a class of the program adds
        own = set()
    if fields:  # what it computes stands beside these
        extra = getattr(value, "__pydantic_extra__", None) or {}
        private = getattr(value, "__pydantic_private__", None) or {}
        held = {**{n: held[n] for n in fields if n in held}, **extra, **private}
    parts = [held.get(name) for name in ("root_client", "client", "_client")]
    clients: list[Any] = [getattr(each, "_client", each) for each in parts]
    urls = [str(each.base_url) for each in clients if hasattr(each, "base_url")]
    return urls[:1], {
        name: each
        for name, each in held.items()
        if name in own or (name not in _ASIDE and not _is_client(name))
        if not is_secret_parameter(name)
        if type(each).__name__ != "SecretStr"
        if name not in fields or each != fields[name].default
    }


def _is_client(name: str) -> bool:
    return name.endswith("client") and not name.startswith("http_")


_GENAI: Final = "google.genai.client:Client"


def _genai(value: Any, *owners: str) -> object:
    """A client of google-genai. `owners` may have given it clients of HTTP with their hooks."""
    api = value._api_client
    options = api._http_options
    own = ("content-type", "user-agent", "x-goog-api-client")
    headers = [(n, each) for n, each in (options.headers or {}).items() if n.lower() not in own]
    given = [getattr(options, name, None) for name in ("httpx_client", "httpx_async_client")]
    less = SIGNS_IN | {"user-agent"}
    added = [counted_connection(each, less, owners) for each in given if each is not None]
    return counted_url(options.base_url), without_defaults(
        version=options.api_version,
        vertex=api.vertexai,
        place=(api.project, api.location) if api.vertexai else None,
        headers=counted_headers(headers, SIGNS_IN),
        body=options.extra_body,
        connections=[each for each in added if each],
        session=getattr(options, "aiohttp_client", None),
        arguments=getattr(options, "client_args", None),
        async_arguments=getattr(options, "async_client_args", None),
    )


def _instructor(value: Any) -> object:
    made = value.create_fn  # it holds an ID of its own
    cells = dict(zip(made.__code__.co_freevars, made.__closure__ or (), strict=True))
    model = cells["default_model"].cell_contents if "default_model" in cells else None
    return _less("hooks", "create_fn")(value), made.__module__, made.__qualname__, model


def _index(value: Any) -> object:
    """An index by the texts in it: their IDs are random, and differ in each program."""
    nodes = sorted(node.hash for node in value.docstore.docs.values())
    if not nodes:
        refuse(f"keeps its texts elsewhere, so nothing says what is in it: {SAY}")
    return nodes, getattr(value, "_embed_model", None), value._object_map


def _provider(value: Any) -> object:
    """A provider of pydantic-ai by its client, whose time-outs are kept by a hook of its own."""
    held = _less("_own_", "_http_client_factory", "_enter")(value)
    client = held.get("_client")
    kind = type(client)
    name = f"{kind.__module__}:{kind.__qualname__}"
    if name in LlmClientTypes.classes:
        held["_client"] = kind, counted_client(client, "pydantic_ai")
    if name == _GENAI:
        held["_client"] = kind, _genai(client, "pydantic_ai")
    return {name: each for name, each in held.items() if not is_secret_parameter(name)}


def _dspy_model(value: Any) -> object:
    """A model of DSPy, which keeps what it was asked, and its API key among its settings."""
    held = _less("history", "callbacks", "cache", "num_retries", "_engine_", "_warned_")(value)
    settings: Any = held.get("kwargs") or {}
    kwargs = {name: each for name, each in settings.items() if not is_secret_parameter(name)}
    return held | {"kwargs": kwargs}


def _dspy_predict(value: Any) -> object:
    """A predictor of DSPy by what it asks, by the model of its own or of the settings, and how."""
    asks = _less("history", "callbacks", "lm", "stage", "traces", "train")(value)
    settings = sys.modules["dspy"].settings
    return asks, value.lm or settings.lm, settings.adapter


def _nothing(_value: Any) -> None:
    """What prints, traces or calls back, and leads to no answer."""


def _less(*names: str) -> Callable[[Any], dict[str, object]]:
    """All that an object holds, less what has these names, or begins so."""
    return lambda value: {n: x for n, x in vars(value).items() if not n.startswith(names)}


_FORMS: Final[Mapping[str, Callable[[Any], object]]] = {
    "dspy.clients.base_lm:BaseLM": _dspy_model,
    "dspy.predict.predict:Predict": _dspy_predict,
    _GENAI: _genai,
    "instructor.core.client:Instructor": _instructor,
    "instructor.v2.core.client:Instructor": _instructor,
    "langchain_core.callbacks.base:BaseCallbackHandler": _nothing,
    "langchain_core.callbacks.base:BaseCallbackManager": _nothing,
    "langchain_core.embeddings.embeddings:Embeddings": _model,
    "langchain_core.language_models.base:BaseLanguageModel": _model,
    "llama_index.core.base.base_retriever:BaseRetriever": _less(
        "_docstore", "_node_ids", "_vector_store", "_verbose"
    ),
    "llama_index.core.base.embeddings.base:BaseEmbedding": _model,
    "llama_index.core.base.llms.base:BaseLLM": _model,
    "llama_index.core.callbacks.base_handler:BaseCallbackHandler": _nothing,
    "llama_index.core.indices.base:BaseIndex": _index,
    "llama_index.core.prompts.base:BasePromptTemplate": _less("template_vars"),
    "llama_index.core.response_synthesizers.base:BaseSynthesizer": _less(
        "_program_factory", "_verbose"
    ),
    "pydantic_ai.agent:Agent": _less(
        *("_enter", "_exit_stack", "_selected_models", "_instrument", "_event_stream_handler"),
        *("_name", "_description", "_concurrency_limiter", "_tool_timeout"),
    ),
    "pydantic_ai.providers:Provider": _provider,
    "rich.console:Console": lambda value: (value._width, value._height, value.record),
    "rich.progress:Progress": _nothing,
    "tiktoken.core:Encoding": lambda value: (
        *(value.name, value.n_vocab, value._pat_str, value._special_tokens),
    ),
    "tqdm.std:tqdm": lambda value: value.iterable,
}


class FrameworkTypes(TypeSupport):
    """Models, agents, indices, callbacks and what shows progress; as arguments alone."""

    name = "framework"
    classes: ClassVar = tuple(_FORMS)
    subclasses = True

    def key(self, value: Any) -> object:
        """See the base class."""
        return next(
            form(value)
            for base in type(value).__mro__
            if (form := _FORMS.get(f"{base.__module__}:{base.__qualname__}")) is not None
        )
