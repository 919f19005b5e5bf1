"""Pub/Sub, publishing side: many messages a request, confirmed before anybody is answered."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio
from google.pubsub_v1 import types

from functions.adapters.channel import DEADLINE_S, meaning, open_channel, unary

MOST_REQUEST_BYTES = 3_500_000
MOST_REQUEST_MESSAGES = 1_000
"""Pub/Sub takes 1,000 messages and 10 MB a request, its emulator 4 MiB."""
MOST_MESSAGE_BYTES = 512_000
"""Eventarc delivers no more than 512 KB; larger messages would be published and never arrive."""

_PublishRequest: Any = types.PublishRequest.pb()
_PublishResponse: Any = types.PublishResponse.pb()


class PubSub:
    """A project's topics. Open it inside a running event loop; `close` when done."""

    def __init__(self, project: str, emulator: str | None = None) -> None:
        self._project = project
        self._channel = open_channel("pubsub.googleapis.com:443", emulator)
        self._publish = unary(self._channel, "/google.pubsub.v1.Publisher/Publish", _PublishResponse)

    async def publish(self, topic: str, messages: Sequence[bytes]) -> list[str]:
        """Publish messages and return their ids once Pub/Sub has confirmed every one of them.

        Raises Unavailable or Refused; then some may have been published all the same.
        """
        batches = list(_batches(messages))
        ids = await asyncio.gather(*(self._publish_batch(topic, batch) for batch in batches))
        return [message_id for batch in ids for message_id in batch]

    async def close(self) -> None:
        await self._channel.close()

    async def _publish_batch(self, topic: str, batch: Sequence[bytes]) -> list[str]:
        name = f"projects/{self._project}/topics/{topic}"
        request = _PublishRequest(topic=name)
        for message in batch:
            request.messages.add().data = message
        try:
            reply = await self._publish(
                request, timeout=DEADLINE_S, metadata=[("x-goog-request-params", f"topic={name}")]
            )
        except grpc.aio.AioRpcError as error:
            raise meaning(error) from error
        return list(reply.message_ids)


def _batches(messages: Sequence[bytes]) -> list[list[bytes]]:
    batches: list[list[bytes]] = []
    size = 0
    for message in messages:
        if not batches or len(batches[-1]) == MOST_REQUEST_MESSAGES or size + len(message) > MOST_REQUEST_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(message)
        size += len(message)
    return batches
