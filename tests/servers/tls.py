"""TLS before a server that speaks none: a proxy that decrypts, and certificates for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from servers.proxy import relay


@dataclass(frozen=True)
class Certificates:
    """Files of an authority, and of what it vouches for: a server at 127.0.0.1, and a client."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def made(directory: Path) -> Certificates:
    """Certificates that are valid today, in a fresh directory."""
    directory.mkdir(parents=True)
    names = ("authority", "server", "server_key", "client", "client_key")
    files = Certificates(**{name: directory / f"{name}.pem" for name in names})
    _write(files)
    return files


def _write(files: Certificates) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        for name in ("tests' own authority", "server", "client")
    ]
    today = dt.datetime.now(dt.UTC)

    def certificate(number: int) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - dt.timedelta(days=1))
            .not_valid_after(today + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        )
        if number == 1:
            here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            made = made.add_extension(x509.SubjectAlternativeName([here]), critical=False)
        signed = made.sign(keys[0], hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def key(number: int) -> bytes:
        return keys[number].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    files.authority.write_bytes(certificate(0))
    for number, cert, private in (
        (1, files.server, files.server_key),
        (2, files.client, files.client_key),
    ):
        cert.write_bytes(certificate(number))
        private.write_bytes(key(number))


def of_postgres(client: socket.socket) -> None:
    """Agree to TLS, as a Postgres server does: a client asks for it in the clear."""
    if client.recv(8)[4:] != b"\x04\xd2\x16\x2f":
        raise ConnectionError("the client asks for no TLS")
    client.sendall(b"S")


@contextmanager
def before(
    port: int,
    files: Certificates,
    *,
    asks_client: bool = False,
    greet: Callable[[socket.socket], None] = lambda client: None,
) -> Iterator[int]:
    """The port of loopback that speaks TLS for the server at `port`, while the block lasts.

    Args:
        port: of the server.
        files: the server's certificate, and the authority of its clients.
        asks_client: whether a client must show a certificate of that authority.
        greet: what both sides say before TLS begins.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    if asks_client:
        context.load_verify_locations(files.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    connections: list[socket.socket] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client may be refused, or go away.
            with suppress(OSError):
                greet(self.request)
                with context.wrap_socket(self.request, server_side=True) as client:
                    connections.append(client)
                    relay(client, port, limit=None)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            for client in connections:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            thread.join()
