"""An HTTPS proxy on loopback that terminates TLS with a CA of its own and records every request made through it."""

import datetime
import http.server
import json
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Request:
    """One request as it arrived; `json` is its body where that is JSON, `body` always the raw bytes."""

    host: str
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    json: Any

    @property
    def changes(self) -> bool:
        """Whether it can have changed anything."""
        asks = re.search(r":(getIamPolicy|testIamPermissions|searchAll\w+|generateUploadUrl)$|/upload/", self.path)
        return self.method != "GET" and not asks


Answer = tuple[int, Any]
"""Status and body: a JSON value, or bytes as they are."""
Responder = Callable[[Request], Answer]


@dataclass
class Recorder:
    """Listens on a free port of 127.0.0.1 until closed; `environment` points the real gcloud at it."""

    responder: Responder
    folder: Path
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> "Recorder":
        self._context = _server_context(self.folder)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def context(self) -> ssl.SSLContext:
        return self._context

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self.responder(request)

    def environment(self) -> dict[str, str]:
        """What gcloud must find in its environment: proxy, CA, a folder of its own, any token, no questions."""
        token = self.folder / "token"
        token.write_text("not-a-real-token")
        return {
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(self._server.server_address[1]),
            "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(self.folder / "ca.pem"),
            "CLOUDSDK_CONFIG": str(self.folder / "gcloud"),
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        }


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    recorder: Recorder


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    host = ""

    def do_CONNECT(self) -> None:
        self.host = self.path.partition(":")[0]
        self.send_response(200, "Connection established")
        self.end_headers()
        try:
            self.connection = self.server.recorder.context.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def finish(self) -> None:
        """The server closes the socket it accepted, which is no longer this one once TLS has begun."""
        super().finish()
        self.connection.close()

    def _take(self) -> None:
        address = urlsplit(self.path)
        body = self._body()
        request = Request(self.host, self.command, address.path, dict(parse_qsl(address.query)), body, _json(body))
        status, answer = self.server.recorder.answer(request)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
        pass


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _server_context(folder: Path) -> ssl.SSLContext:
    """A CA and one certificate of it for *.googleapis.com, both for a day, written to `folder`."""
    ca_key, ca = _certificate("Fleetline test CA", None, None)
    key, leaf = _certificate("*.googleapis.com", ca_key, ca)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _certificate(
    name: str, issuer_key: ec.EllipticCurvePrivateKey | None, issuer: x509.Certificate | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return key, builder.sign(issuer_key or key, hashes.SHA256())
