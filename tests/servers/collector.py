"""A collector of OpenTelemetry's, on this machine: it takes spans over HTTP."""

from __future__ import annotations

import gzip
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from servers.local_http import LocalHandler, LocalHTTPServer


class Collector(LocalHTTPServer):
    """Serves on 127.0.0.1.

    Attributes:
        spans: those that were sent, as messages of the protocol.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.spans: list[Any] = []

    @property
    def tree(self) -> set[tuple[str, str]]:
        """The name of each span, below that of the one around it; "" where there is none."""
        names = {span.span_id: span.name for span in self.spans}
        return {(names.get(span.parent_span_id, ""), span.name) for span in self.spans}


class _Handler(LocalHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        sent = ExportTraceServiceRequest.FromString(body)
        for of_resource in sent.resource_spans:
            for of_scope in of_resource.scope_spans:
                self.server.spans += of_scope.spans
        self.send(200, b"", {"Content-Type": "application/x-protobuf"})
