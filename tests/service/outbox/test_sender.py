"""Attempts: hostile URLs reach nothing, names are looked up once, answers mean what they mean."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.outbox.sender import MAX_RETRY_AFTER_SECONDS, Outcome, Sender, resolve_host
from service.outbox.targets import Address, Target
from tests.service.outbox.stub import PATIENCE, Answer, Stub, local

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "127.0.0.01", "127.00.00.01", "0127.0.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "0x7f000001",
    "0X7F000001", "2130706433", "02130706433", "017700000001", "0", "0.0.0.0", "127.127.127.127", "127.0.0.1.", "%31%32%37.0.0.1",  # noqa: S104
    "127。0。0。1", "①②⑦.0.0.1", "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "localtest.me", "127.0.0.1.nip.io",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]", "[::1%25lo]", "[fe80::1%25lo]", "[127.0.0.1]", "[::1", "a]b", "good.example@127.0.0.1", "127.0.0.1@127.0.0.1",
    ":pass@127.0.0.1", "127.0.0.1#@good.example", "good.example\\@127.0.0.1", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\t",
    "127.0.0.1\r\nhost:x", "good.example%00.127.0.0.1", "-.example", "a..b", "",
]  # fmt: skip
"""Spellings of this machine, and hosts that some parser takes for it. Each name resolves to it."""
HOSTILE = [f"https://{host}:{{port}}/" for host in LOOPBACK] + [
    "http://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/", "https://10.0.0.1/", "https://192.168.1.1/",
    "https://100.100.100.200/latest/meta-data/", "https://168.63.129.16/machine", "https://[fd00:ec2::254]/", "https://224.0.0.1/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "127.0.0.1:{port}",
    "https:127.0.0.1:{port}", "https:///127.0.0.1:{port}", "javascript://127.0.0.1:{port}/", "unix:/var/run/docker.sock",
]  # fmt: skip


async def at_home(_host: str, _port: int) -> list[Address]:
    """Resolve any name to this machine, as an attacker's name server may."""
    return [ip_address("127.0.0.1")]


def post(target: Target, sender: Sender, body: bytes = b"{}") -> Outcome:
    """Make one attempt."""

    async def attempt() -> Outcome:
        try:
            return await sender.post(target, {"webhook-id": "msg_1"}, body)
        finally:
            await sender.close()

    return asyncio.run(attempt())


def test_hostile_urls_reach_nothing() -> None:
    assert len(HOSTILE) >= 60
    with Stub() as four, Stub(host="127.127.127.127") as other:
        for pattern in HOSTILE:
            for scheme in ("https://", "http://"):
                url = pattern.format(port=four.port).replace("https://", scheme)
                target = Target(url=url, allow_http=True, allow_ports=(four.port, other.port))
                assert post(target, Sender(PATIENCE, resolve=at_home)).error.startswith("refused: "), url
        assert (four.connections, other.connections) == (0, 0)
        allowed = Sender(PATIENCE, resolve=at_home)
        assert post(local(f"http://good.example:{four.port}/", four.port), allowed) == Outcome(204)
        assert four.connections == 1


def test_a_name_is_looked_up_once_and_connected_to_there() -> None:
    """A name server that answers differently the second time gets no second time."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    with Stub() as first:
        target = local(f"http://rebind.example:{first.port}/a?b=c", first.port)
        assert post(target, Sender(PATIENCE, resolve=rebinding)) == Outcome(204)
        assert asked == ["rebind.example"]
        assert first.got[0].headers["host"] == f"rebind.example:{first.port}"
        assert first.got[0].path == "/a?b=c"
        inside = Target(url=target.url, allow_http=True, allow_ports=(first.port,))
        refused = post(inside, Sender(PATIENCE, resolve=rebinding))
        assert refused.error.startswith("refused: rebind.example is at 127.0.0.2")
        assert first.connections == 1


def test_a_public_name_is_connected_to_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[httpx.Request] = []

    async def public(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address("93.184.216.34")]

    async def send(_self: object, request: httpx.Request) -> httpx.Response:
        went.append(request)
        return httpx.Response(200)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", send)
    assert post(Target(url="https://hooks.example.com/x"), Sender(PATIENCE, resolve=public)) == Outcome(200)
    assert str(went[0].url) == "https://93.184.216.34/x"
    assert went[0].headers["host"] == "hooks.example.com"
    assert went[0].extensions["sni_hostname"] == "hooks.example.com"


def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    async def two(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address("127.0.0.9"), ip_address("127.0.0.1")]

    with Stub() as stub:
        assert post(local(f"http://two.example:{stub.port}/", stub.port), Sender(PATIENCE, resolve=two)) == Outcome(204)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Stub() as inner, Stub(Answer(status, (("location", f"http://127.0.0.1:{inner.port}/"),))) as outer:
        assert post(outer.target(), Sender(PATIENCE)) == Outcome(status, f"HTTP {status}")
        assert (outer.connections, inner.connections) == (1, 0)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub() as proxy, Stub() as stub:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(stub.target(), Sender(PATIENCE)) == Outcome(204)
        assert (proxy.connections, stub.connections) == (0, 1)


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120.0),
        (503, "0", 0.0),
        (503, "Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        (503, "Tue, 14 Nov 2020 22:14:20 GMT", 0.0),
        (429, "9" * 400, MAX_RETRY_AFTER_SECONDS),
        (429, "-5", 0.0),
        (429, "soon", 0.0),
        (429, "٣", 0.0),
        (500, "120", 0.0),
        (404, "120", 0.0),
    ],
)
def test_retry_after(status: int, header: str, seconds: float) -> None:
    with Stub(Answer(status, (("retry-after", header.encode().decode("latin-1")),))) as stub:
        assert post(stub.target(), Sender(PATIENCE, now=lambda: NOW)) == Outcome(status, f"HTTP {status}", seconds)


def test_good_with_garbage_is_good() -> None:
    with Stub(Answer(200, (("content-type", "application/json"), ("content-encoding", "gzip")), b"\x00\xff" * 10_000)) as stub:
        assert post(stub.target(), Sender(PATIENCE)) == Outcome(200)


def test_a_slow_receiver_is_left() -> None:
    with Stub(Answer(200, seconds=2.0)) as stub:
        assert post(stub.target(), Sender(0.2)).error == "no answer within 0.2 s"


def serve_raw(answer: bytes) -> socket.socket:
    """Answer one connection with bytes as they are, and then with silence."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)
                while connection.recv(65536):
                    pass
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"\x16\x03\x01 not http \x1b[31m\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000, "RemoteProtocolError"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "no answer within"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx", ""),
    ],
)
def test_answers_that_are_none_or_endless(answer: bytes, told: str) -> None:
    with serve_raw(answer) as listener:
        port = listener.getsockname()[1]
        outcome = post(local(f"http://127.0.0.1:{port}/", port), Sender(0.5 if told == "no answer within" else PATIENCE))
    assert outcome.error.startswith(told)
    assert outcome.error.isprintable()
    assert bool(outcome.error) == bool(told)


def test_nobody_there() -> None:
    with socket.socket() as taken:  # nobody else's, and nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert post(local(f"http://127.0.0.1:{port}/", port), Sender(PATIENCE)).error.startswith("ConnectError")
    assert post(Target(url="https://no.such.invalid/"), Sender(5.0)).error


def test_this_machine_resolves_itself() -> None:
    assert ip_address("127.0.0.1") in asyncio.run(resolve_host("127.0.0.1", 443))


# -- TLS ------------------------------------------------------------------------------------------------------------


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server called ``name`` and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*kept))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


def test_the_certificate_must_be_the_names(tmp_path: Path) -> None:
    """The connection goes to an address, but the name is asked for and the certificate is held against it."""
    server, client = certified(tmp_path, "hooks.example.com")
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked.append(name)  # type: ignore[assignment]
    with Stub() as stub:
        stub.server.socket = server.wrap_socket(stub.server.socket, server_side=True)
        good = local(f"https://hooks.example.com:{stub.port}/", stub.port)
        assert post(good, Sender(PATIENCE, resolve=at_home, context=client)) == Outcome(204)
        assert stub.got[0].headers["host"] == f"hooks.example.com:{stub.port}"
        other = local(f"https://other.example.com:{stub.port}/", stub.port)
        assert "CERTIFICATE_VERIFY_FAILED" in post(other, Sender(PATIENCE, resolve=at_home, context=client)).error
        assert "CERTIFICATE_VERIFY_FAILED" in post(good, Sender(PATIENCE, resolve=at_home)).error
        assert asked[:2] == ["hooks.example.com", "other.example.com"]
        assert len(stub.got) == 1
