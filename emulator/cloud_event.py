"""The request Eventarc sends for a Pub/Sub message, byte for byte as far as a function can see."""

import json
import secrets
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote


class Envelope:
    """Wraps the messages of one subscription."""

    def __init__(self, project: str, topic: str, subscription: str, counts_attempts: bool) -> None:
        name = f"projects/{project}/topics/{topic}"
        self.path = f"/?__GCP_CloudEventsMode=CUSTOM_PUBSUB_{quote(name, safe='')}".encode()
        self._subscription = f'"subscription":"{subscription}"'.encode()
        self._counts_attempts = counts_attempts
        self._headers = (
            "accept: application/json\r\n"
            "authorization: Bearer not-checked-on-this-machine\r\n"
            "content-type: application/json\r\n"
            "user-agent: APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)\r\n"
            f"ce-source: //pubsub.googleapis.com/{name}\r\n"
            "ce-specversion: 1.0\r\n"
            "ce-type: google.cloud.pubsub.topic.v1.messagePublished\r\n"
        ).encode()

    def headers(self, message_id: str, published: str) -> bytes:
        trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        return self._headers + f"ce-id: {message_id}\r\nce-time: {published}\r\ntraceparent: {trace}\r\n".encode()

    def body(self, message: Any, published: str, attempt: int) -> bytes:
        """`message` is a PubsubMessage; `attempt` is left out where no dead-letter policy counts it."""
        attributes = f'"attributes":{json.dumps(dict(message.attributes))},' if message.attributes else ""
        ids = f'"messageId":"{message.message_id}","message_id":"{message.message_id}",'
        times = f'"publishTime":"{published}","publish_time":"{published}"'
        delivery = f'"deliveryAttempt":{attempt},' if self._counts_attempts else ""
        return b'{%b"message":{%b"data":"%b",%b},%b}' % (
            delivery.encode(), attributes.encode(), b64encode(message.data), (ids + times).encode(), self._subscription,
        )  # fmt: skip


def publish_time(message: Any) -> str:
    """A message's publish time as Pub/Sub writes it: RFC 3339, UTC, milliseconds or more only where there are any."""
    stamp = message.publish_time
    text = datetime.fromtimestamp(stamp.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{stamp.nanos // 1000:06d}".rstrip("0").rstrip(".") if stamp.nanos else ""
    return f"{text}{fraction}Z"
