"""Channels to people: e-mail over SMTP, and through apprise chat, SMS and webhooks (over a hundred services).

E-mail is sent by the standard library: apprise makes a Message-ID of its own, and a derived one is what lets a
receiver drop a repeat. Addresses hold passwords and tokens: apprise's own logs stay shut, and of what it says about a
failure nothing that stands in the address is passed on.
"""

import asyncio
import logging
import re
import smtplib
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

from apprise import Apprise, NotifyType
from apprise.plugins.email.base import NotifyEmail

from functions.core.letter import Letter

AT_ONCE = 16
"""Letters in flight from one instance; each holds a thread while its channel takes it."""
TIMEOUT_S = 15.0
DOMAIN = "fleetline.invalid"
"""Right-hand side of our Message-IDs (RFC 2606: a name nobody else can have)."""
_SEPARATORS = re.compile(r"[/?&=:@,+]")
_TOKENS = re.compile(r"[^\W_]{4,}")


class Channels:
    """Whatever an apprise URL can name. `send` returns why a letter was not taken, None when it was."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "channel")
        self._said = _Listener()
        for name in ("apprise", "urllib3"):  # both would log addresses, tokens included, at level DEBUG
            logger = logging.getLogger(name)
            logger.handlers[:] = [self._said] if name == "apprise" else []
            logger.setLevel(logging.WARNING)
            logger.propagate = False

    async def send(self, url: str, letter: Letter) -> str | None:
        """Blocks no one else; ends within a minute, whatever the other side does."""
        failure = await asyncio.get_running_loop().run_in_executor(self._threads, self._sent, url, letter)
        return None if failure is None else redacted(failure, url)

    def _sent(self, url: str, letter: Letter) -> str | None:
        self._said.heard.lines = []
        plugin: Any = Apprise.instantiate(url)
        if not plugin:
            return "the address cannot be read"
        try:
            if isinstance(plugin, NotifyEmail):
                return _mailed(plugin, letter)
            if isinstance(getattr(plugin, "headers", None), dict):
                plugin.headers["Idempotency-Key"] = letter.key
            kind = {"critical": NotifyType.FAILURE, "warning": NotifyType.WARNING}.get(letter.severity, NotifyType.INFO)
            taken = plugin.notify(body=letter.body, title=letter.title, notify_type=kind)
        except Exception as error:  # noqa: BLE001 a hundred plugins raise what they like; the letter is tried again
            return f"{type(error).__name__}: {error}"
        return None if taken else " ".join(self._said.heard.lines)[:300] or "not taken"


def _mailed(plugin: Any, letter: Letter) -> str | None:
    """One mail to all addresses of the contact; taken when the server took it for at least one of them."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{letter.key}@{DOMAIN}>"
    if letter.answers:
        mail["In-Reply-To"] = mail["References"] = f"<{letter.answers}@{DOMAIN}>"
    mail["Subject"] = letter.title
    mail["Date"] = letter.written_at
    mail["From"] = plugin.from_addr[1]
    mail["To"] = ", ".join(sorted(address for _, address in plugin.targets))
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Priority"] = "1" if letter.severity == "critical" else "3"
    mail.set_content(letter.body)
    try:
        with _connected(plugin) as smtp:
            if plugin.user and plugin.password:
                smtp.login(plugin.user, plugin.password)
            smtp.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _connected(plugin: Any) -> smtplib.SMTP:
    port = plugin.port or {"ssl": 465, "starttls": 587}.get(plugin.secure_mode, 25)
    tls = ssl.create_default_context()
    if plugin.secure_mode == "ssl":
        return smtplib.SMTP_SSL(plugin.smtp_host, port, timeout=TIMEOUT_S, context=tls)
    smtp = smtplib.SMTP(plugin.smtp_host, port, timeout=TIMEOUT_S)
    if plugin.secure_mode == "starttls":
        smtp.starttls(context=tls)
    return smtp


class _Listener(logging.Handler):
    """Hears why apprise could not deliver, each thread its own letter's reasons."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        lines = getattr(self.heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())


def redacted(text: str, url: str) -> str:
    """The text without any word of the address, longest first, so that no password is left in halves."""
    address = url.partition("://")[2]
    words = {*_SEPARATORS.split(address), *_TOKENS.findall(address)}
    words |= {unquote(word) for word in words}
    for word in sorted((word for word in words if len(word) >= 4), key=len, reverse=True):
        text = text.replace(word, "…")
    return text
