"""A service that tells Prometheus and OpenTelemetry what its cache and its limit do.

export OPENAI_API_KEY=...
export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_SERVICE_NAME=watched
uvicorn watched:app
curl "localhost:8000/review?text=I+liked+it" && curl localhost:8000/metrics
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import beautyspot as bs
from beautyspot_observe import OpenTelemetryObserver, PrometheusObserver
from fastapi import FastAPI, Response
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("watched")

spot = bs.Spot(
    "watched",
    limiter="480/min",
    observers=[PrometheusObserver(), OpenTelemetryObserver(hits=True)],
)
client = AsyncOpenAI(max_retries=0)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Send the last spans at the end."""
    async with client:
        yield
    spot.shutdown()
    provider.shutdown()


app = FastAPI(lifespan=lifespan)


def dollars(reply: ChatCompletion) -> float:
    """What a call cost."""
    usage = reply.usage
    return usage.prompt_tokens * 0.40e-6 + usage.completion_tokens * 1.60e-6 if usage else 0.0


@spot.mark(price=dollars)
@spot.limiter(timeout=10)
async def ask(prompt: str) -> ChatCompletion:
    """One answer of the model."""
    return await client.chat.completions.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": prompt}]
    )


@spot.mark
async def mood(text: str) -> str:
    """Whether a text is friendly: one word."""
    reply = await ask(f"Answer with 'good' or 'bad'. Is this friendly? {text}")
    return (reply.choices[0].message.content or "").strip().casefold()


@app.get("/review")
async def review(text: str) -> dict[str, str]:
    """What a visitor gets."""
    with tracer.start_as_current_span("review"):
        return {"mood": await mood(text)}


@app.get("/metrics")
def metrics() -> Response:
    """What Prometheus reads."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
