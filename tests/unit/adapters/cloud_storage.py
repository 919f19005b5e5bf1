"""As much of Cloud Storage's JSON API as the bucket uses: resumable uploads, listing by prefix, reading ranges.

A program of its own: pyarrow keeps the interpreter's lock while it reads. Prints its port.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlparse

OBJECTS: dict[str, bytes] = {}
UPLOADS: dict[str, bytes] = {}


class CloudStorage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        name = self._query["name"]
        UPLOADS[name] = b""
        self._reply(200, b"{}", Location=f"http://{self.headers['Host']}/upload?upload_id={quote(name, safe='')}")

    def do_PUT(self) -> None:
        name = self._query["upload_id"]
        UPLOADS[name] += self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Range"].endswith("/*"):
            self._reply(308, Range=f"bytes=0-{len(UPLOADS[name]) - 1}")
        else:
            OBJECTS[name] = UPLOADS.pop(name)
            self._reply(200, _told(name))

    def do_GET(self) -> None:
        path = urlparse(self.path).path
        name = unquote(path.partition("/o/")[2])
        if path.endswith("/o"):
            found = [name for name in sorted(OBJECTS) if name.startswith(self._query.get("prefix", ""))]
            self._reply(200, b'{"items": [' + b",".join(map(_told, found)) + b"]}")
        elif name not in OBJECTS:
            self._reply(404, b"{}")
        elif self._query.get("alt") == "media":
            first = int((re.findall(r"bytes=(\d+)", self.headers.get("Range", "")) or ["0"])[0])
            size = len(OBJECTS[name])
            span = {"Content-Range": f"bytes {first}-{size - 1}/{size}", "x-goog-generation": "1"}
            self._reply(206 if first else 200, OBJECTS[name][first:], **span)
        else:
            self._reply(200, _told(name))

    @property
    def _query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlparse(self.path).query).items()}

    def _reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def _told(name: str) -> bytes:
    return json.dumps({"name": name, "bucket": "b", "size": str(len(OBJECTS[name])), "generation": "1"}).encode()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), CloudStorage)
    print(server.server_port, flush=True)
    server.serve_forever()
