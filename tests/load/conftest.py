"""What load tests share: an engine, and a way to send a few requests through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes.scripted.process import ScriptedServer
from pytest_inferbench.load.encode import encode_load
from pytest_inferbench.load.engine import LoadEngine, Observed
from pytest_inferbench.load.job import Limits, Target
from pytest_inferbench.load.shape import ClosedLoop, Load, OpenLoop
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import GenerationRequest, Message

Carry = Callable[..., Observed]


@pytest.fixture
def engine() -> Iterator[LoadEngine]:
    engine = LoadEngine()
    yield engine
    engine.close()


@pytest.fixture
def carry(engine: LoadEngine) -> Carry:
    def send(
        server: ScriptedServer,
        *,
        requests: int = 4,
        streams: int = 1,
        tokens: int = 4,
        offsets_ns: tuple[int, ...] | None = None,
        limits: Limits | None = None,
        engine: LoadEngine = engine,
        each: Callable[[int], dict[str, Any]] = lambda _index: {},
    ) -> Observed:
        protocol = protocol_named("openai-chat")
        asks = tuple(GenerationRequest((Message("user", f"request {i}"),), tokens, **each(i)) for i in range(requests))
        shape = ClosedLoop(streams) if offsets_ns is None else OpenLoop(offsets_ns)
        load = Load(asks, shape)
        encoded = encode_load(load, protocol, "m", f"127.0.0.1:{server.port}", "", ())
        return engine.carry(
            encoded,
            target=Target("127.0.0.1", server.port),
            protocol=protocol.name,
            streams=load.streams,
            limits=limits or Limits(),
        )

    return send
