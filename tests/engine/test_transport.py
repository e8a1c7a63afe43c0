"""The transport, against a small server that shows what it was sent."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sampan.apiserver import certificates
from sampan.engine.kubeconfig import Access
from sampan.engine.transport import Transport, Unreachable
from sampan.kube.errors import Forbidden, InternalError, NotFound, UserMistake
from sampan.lib.clock import SystemClock


async def shows(request: web.Request) -> web.StreamResponse:
    peer = request.transport.get_extra_info("peercert") if request.transport else None
    subject = dict(item for part in (peer or {}).get("subject", ()) for item in part)
    return web.json_response(
        {
            "authorization": request.headers.get("Authorization"),
            "type": request.headers.get("Content-Type"),
            "peer": subject.get("commonName"),
        }
    )


async def echoes(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=["v5.channel.k8s.io"])
    await socket.prepare(request)
    async for message in socket:
        await socket.send_bytes(b"\x01" + message.data[1:])
    return socket


async def refuses(request: web.Request) -> web.StreamResponse:
    return web.Response(status=int(request.match_info["code"]), text="in plain words")


async def drips(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for piece in (b"on", b"e\ntw", b"o\n\nth", b"ree"):
        await answer.write(piece)
        await asyncio.sleep(0)
    return answer


async def hangs(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"first\n")
    await asyncio.sleep(2)
    return answer


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/shows", shows)
    app.router.add_get("/echoes", echoes)
    app.router.add_get("/refuses/{code}", refuses)
    app.router.add_get("/drips", drips)
    app.router.add_get("/hangs", hangs)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def test_a_token_goes_along() -> None:
    async def run() -> None:
        async with served() as server, Transport(Access(server=server, token="t")) as transport:
            answer = await transport.request("POST", "/shows", {"a": 1}, content_type="x/y")
            assert answer == {"authorization": "Bearer t", "type": "x/y", "peer": None}

    asyncio.run(run())


def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / "token"
        async with served() as server:
            access = Access(server=server, token_file=str(file))
            async with Transport(access) as transport:
                for token in ("one", "two"):
                    file.write_text(f"{token}\n")
                    answer = await transport.request("GET", "/shows")
                    assert answer["authorization"] == f"Bearer {token}"

    asyncio.run(run())


def test_lines_are_put_together_from_pieces() -> None:
    async def run() -> None:
        async with served() as server, Transport(Access(server=server)) as transport:
            assert [line async for line in transport.lines("/drips")] == [b"one", b"two", b"three"]

    asyncio.run(run())


def test_a_silent_connection_is_taken_for_dead() -> None:
    async def run() -> None:
        async with served() as server, Transport(Access(server=server)) as transport:
            lines = transport.lines("/hangs", silence=0.1)
            assert await anext(lines) == b"first"
            with pytest.raises(Unreachable, match="does not answer in time"):
                await anext(lines)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "error"), [(404, NotFound), (403, Forbidden), (502, InternalError)]
)
def test_an_answer_that_is_no_status_is_quoted(code: int, error: type[Exception]) -> None:
    async def run() -> None:
        async with served() as server, Transport(Access(server=server)) as transport:
            with pytest.raises(error, match="in plain words"):
                await transport.request("GET", f"/refuses/{code}")

    asyncio.run(run())


def test_a_websocket_speaks_its_protocol() -> None:
    async def run() -> None:
        async with served() as server, Transport(Access(server=server)) as transport:
            async with transport.websocket("/echoes", ["v5.channel.k8s.io"]) as socket:
                assert socket.protocol == "v5.channel.k8s.io"
                await socket.send_bytes(b"\x00hello")
                message = await socket.receive()
                assert (message.type, message.data) == (aiohttp.WSMsgType.BINARY, b"\x01hello")
            with pytest.raises(Forbidden):
                async with transport.websocket("/refuses/403", ["v5.channel.k8s.io"]):
                    pass

    asyncio.run(run())


def client_certificate(home: Path, name: str) -> tuple[bytes, bytes]:
    """A certificate for a person, signed by the home's CA."""
    authority = x509.load_pem_x509_certificate((home / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((home / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), pem


def test_a_client_certificate_tells_who_asks(tmp_path: Path) -> None:
    async def run() -> None:
        held = certificates.ensure(tmp_path, SystemClock())
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(held.ca))
        tls.load_cert_chain(held.certificate, held.key)
        tls.verify_mode = ssl.CERT_REQUIRED
        certificate, key = client_certificate(tmp_path, "alice")
        async with served(tls) as server:
            access = Access(
                server=server,
                authority=held.ca.read_bytes(),
                certificate=certificate,
                key=key,
            )
            async with Transport(access) as transport:
                assert (await transport.request("GET", "/shows"))["peer"] == "alice"

    asyncio.run(run())


def test_a_broken_certificate_is_a_mistake() -> None:
    with pytest.raises(UserMistake, match="client certificate cannot be used"):
        Transport(Access(server="https://x", certificate=b"nonsense", key=b""))
