"""Dead letters: messages no function could be made to take, kept on a subscription of their own for a week."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from functions.adapters.channel import DEADLINE_S, meaning, open_channel, unary
from infra.plant import dead_letter_topic

AT_ONCE = 100
WAIT_S = 3.0
"""How long Pub/Sub is given to come up with another one."""
HELD_S = 60
"""How long those taken are given to nobody else."""

_Pull: Any = types.PullRequest.pb()
_Pulled: Any = types.PullResponse.pb()
_Acknowledge: Any = types.AcknowledgeRequest.pb()
_Modify: Any = types.ModifyAckDeadlineRequest.pb()


class DeadLetter(NamedTuple):
    """`published_at` is when the dead letter was put aside, in UTC."""

    ack_id: str
    message_id: str
    published_at: datetime
    data: bytes


class DeadLetters:
    """The dead letters of a project's topics. Open it inside a running event loop; `close` when done.

    Every call raises Unavailable or Refused when Pub/Sub does.
    """

    def __init__(self, project: str, pubsub: str | None) -> None:
        self._project = project
        self._channel = open_channel("pubsub.googleapis.com:443", pubsub)
        service = "/google.pubsub.v1.Subscriber"
        self._pull = unary(self._channel, f"{service}/Pull", _Pulled)
        self._acknowledge = unary(self._channel, f"{service}/Acknowledge", Empty)
        self._modify = unary(self._channel, f"{service}/ModifyAckDeadline", Empty)

    async def take(self, topic: str, most: int = AT_ONCE) -> list[DeadLetter]:
        """Up to so many (at most 100) of a topic's dead letters; none when there are no more."""
        request = _Pull(subscription=self._of(topic), max_messages=min(most, AT_ONCE))
        try:
            pulled = await self._pull(request, timeout=WAIT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return []
            raise meaning(error) from error
        letters = [_letter(one) for one in pulled.received_messages]
        await self._held(topic, _ids(letters), HELD_S)
        return letters

    async def done(self, topic: str, letters: Sequence[DeadLetter]) -> None:
        """They need not be kept any longer."""
        await _answered(self._acknowledge, _Acknowledge(subscription=self._of(topic), ack_ids=_ids(letters)))

    async def put_back(self, topic: str, letters: Sequence[DeadLetter]) -> None:
        """They stay where they are, for anybody to take at once."""
        await self._held(topic, _ids(letters), 0)

    async def close(self) -> None:
        await self._channel.close()

    async def _held(self, topic: str, ack_ids: list[str], for_s: int) -> None:
        if ack_ids:
            request = _Modify(subscription=self._of(topic), ack_ids=ack_ids, ack_deadline_seconds=for_s)
            await _answered(self._modify, request)

    def _of(self, topic: str) -> str:
        return f"projects/{self._project}/subscriptions/{dead_letter_topic(topic)}"


async def _answered(call: Any, request: Any) -> None:
    try:
        await call(request, timeout=DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        raise meaning(error) from error


def _ids(letters: Sequence[DeadLetter]) -> list[str]:
    return [letter.ack_id for letter in letters]


def _letter(received: Any) -> DeadLetter:
    message = received.message
    return DeadLetter(received.ack_id, message.message_id, message.publish_time.ToDatetime(UTC), message.data)
