"""A mail server that keeps what it is given: what people would have been sent, one file a mail."""

import asyncio
import json
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from emulator.ports import HOST

SENDER = "plant@fleetline.invalid"
DESK = "fleet-desk@fleetline.invalid"
"""Names nobody else can have (RFC 2606): should such a mail ever get out, it reaches nobody."""


class MailSink:
    """Real SMTP on loopback. `mails` counts what was taken; a repeat replaces the file of its Message-ID."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mails = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Serve on a free port until `close`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname=HOST, enable_SMTPUTF8=True), HOST, 0)
        self.address = f"{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def contacts(self) -> str:
        """An address book whose one contact, told by default, is this sink."""
        url = f"mailto://{self.address}?from={SENDER}&to={DESK}&mode=insecure"
        return json.dumps({"contacts": {"fleet-desk": {"url": url}}, "default": ["fleet-desk"]})

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name for it
        mail = message_from_bytes(envelope.content, policy=policy.default)
        name = str(mail["Message-ID"] or f"mail-{self.mails}").strip("<>").partition("@")[0]
        (self.folder / f"{name}.eml").write_bytes(envelope.content)
        self.mails += 1
        return "250 OK"
