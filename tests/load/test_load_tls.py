"""Loads over TLS, through a real TLS end in front of the scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from typing import Self

import pytest
import trustme

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load.encode import encode_load
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.load.job import Limits, Target
from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import GenerationRequest, Message


class TlsFront:
    """Terminates TLS on a port of its own and passes bytes on."""

    def __init__(self, backend_port: int, context: ssl.SSLContext) -> None:
        self._backend_port = backend_port
        self._context = context
        self._ready = threading.Event()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._backend_port)
        pumps = asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer), return_exceptions=True)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await pumps
        finally:
            to_writer.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A CA, its PEM file, and the TLS end's context."""
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return str(path), context


def carry(port: int, ca: str | None, requests: int = 8, streams: int = 2):
    protocol = protocol_named("openai-chat")
    asks = tuple(GenerationRequest((Message("user", f"request {i}"),), 6) for i in range(requests))
    encoded = encode_load(Load(asks, ClosedLoop(streams)), protocol, "m", f"localhost:{port}", "", ())
    engine = LoadEngine()
    try:
        target = Target("localhost", port, tls=True, ca=ca)
        return engine.carry(encoded, target=target, protocol=protocol.name, streams=streams, limits=Limits())
    finally:
        engine.close()


def test_a_load_over_tls_is_complete(authority):
    """Every request completes, connections are kept, and stamps are ascending."""
    ca, context = authority
    with ScriptedServer(Script(first_ms=5, gap_ms=2)) as server, TlsFront(server.port, context) as front:
        seen = carry(front.port, ca)
    assert [record.failure for record in seen.records] == [None] * 8
    assert all(len(record.output_ns) == 6 for record in seen.records)
    assert all(list(record.output_ns) == sorted(record.output_ns) for record in seen.records)
    assert seen.workers[0].reconnects == 0


def test_a_certificate_nobody_vouches_for_refuses_the_load(authority):
    """Without the CA the load does not start, and the message says that it is the certificate."""
    _, context = authority
    with (
        ScriptedServer(Script(first_ms=5, gap_ms=2)) as server,
        TlsFront(server.port, context) as front,
        pytest.raises(LoadError, match=r"TLS: .*CERTIFICATE_VERIFY_FAILED"),
    ):
        carry(front.port, None)


def test_a_ca_bundle_that_is_none_is_an_error(tmp_path):
    """A CA path without a certificate is named with what to give."""
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    with pytest.raises(LoadError, match=r"ca\.pem cannot be used.*give a PEM file"):
        carry(1, str(path))
