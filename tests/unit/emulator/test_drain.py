"""A plant counts as drained only when nothing can be on its way any more."""

import time
from types import SimpleNamespace
from typing import Any

import grpc.aio
import pytest
from google.pubsub_v1 import types

from emulator import drain
from emulator.cloud_event import Envelope
from emulator.courier import Courier
from emulator.drain import Drain
from emulator.ports import HOST, free_port

from .serving import OK, Request, Server

GPS = "projects/p/subscriptions/gps"


async def ok(_: Request) -> bytes:
    return OK


async def test_what_a_function_published_before_it_answered_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long ago its message was delivered: the first one of an instance takes a second."""
    async with Server(ok) as server, grpc.aio.insecure_channel(f"{HOST}:{free_port()}") as channel:
        courier = Courier(
            GPS,
            channel,
            Envelope("p", "gps", GPS, counts_attempts=True),
            [server.instance],
            most_in_flight=1,
            timeout_s=5,
            streams=1,
            dead_letter=print,
            answered=lambda _: None,
            say=print,
        )
        monkeypatch.setattr(drain, "QUIET_S", 3600)
        plant: Any = SimpleNamespace(couriers={"gps": courier})
        nothing: Any = ()
        drained = Drain(plant, nothing, nothing, print)
        courier.counts.moved_s = time.monotonic() - 7200
        assert drained._quiet()
        message = types.PubsubMessage.pb()(data=b"{}", message_id="1")
        await courier._deliver(SimpleNamespace(message=message, ack_id="1", delivery_attempt=1))
        assert courier.counts.acked == 1
        assert not drained._quiet()
