"""Receivers on loopback that can be switched off and on where they listen: a mail server and a webhook."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from emulator.ports import HOST, free_port


class Mailbox:
    """A real SMTP server; `mails` in the order they came."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"mailto://{HOST}:{self.port}?from=plant@fleetline.invalid&to=desk@fleetline.invalid&mode=insecure"

    def up(self) -> None:
        self._controller = Controller(self, HOST, self.port)
        self._controller.start()

    def down(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name for it
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


class Webhook:
    """A real HTTP server that answers with `status`; `calls` are (headers, body) in the order they came."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        self.calls: list[tuple[dict[str, str], dict[str, Any]]] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"json://someone:sesame-9173@{HOST}:{self.port}/hooks/tok3n-8842"

    def up(self) -> None:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if webhook.status < 300:
                    webhook.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(webhook.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def receivers() -> Iterator[tuple[Mailbox, Webhook]]:
    """Both, up."""
    mailbox, webhook = Mailbox(), Webhook()
    mailbox.up()
    webhook.up()
    try:
        yield mailbox, webhook
    finally:
        mailbox.down()
        webhook.down()


def mails_in(folder: Path) -> list[EmailMessage]:
    """What the emulator's mail sink has kept."""
    return [message_from_bytes(one.read_bytes(), policy=policy.default) for one in sorted(folder.glob("*.eml"))]  # type: ignore[arg-type]
