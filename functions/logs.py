"""Structured logs: one JSON line each, with the fields Cloud Logging knows and the ones operators search by."""

import json
import logging
import sys
import time
from typing import Any


class JsonFormatter(logging.Formatter):
    """A record as one JSON line; what is given as `extra` stands beside the message."""

    def __init__(self, role: str, project: str) -> None:
        super().__init__()
        self._role = role
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "role": self._role,
            "message": record.getMessage(),
        }
        entry.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if "trace" in entry:
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{entry['trace']}"
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(role: str, project: str, level: str) -> None:
    """Send every log of this process to standard output, where Cloud Run picks it up."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = JsonFormatter(role, project)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
