"""The embedded backend as a process: how it starts, whom it listens to, how it ends."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from .backends import ROOT, Backend, embedded, free_ports

COMMAND = [sys.executable, "-m", "emulator.embedded"]


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def ready(running: subprocess.Popen[str]) -> dict[str, str]:
    assert running.stdout is not None
    addresses: dict[str, str] = json.loads(running.stdout.readline())
    return addresses


def test_it_is_ready_within_seconds_on_the_ports_it_was_given() -> None:
    pubsub, firestore = free_ports(2)
    started = time.monotonic()
    with process("--pubsub-port", str(pubsub), "--firestore-port", str(firestore)) as running:
        assert ready(running) == {"pubsub": f"127.0.0.1:{pubsub}", "firestore": f"127.0.0.1:{firestore}"}
        assert time.monotonic() - started < 5  # 0.3 s on an idle machine


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_status_0_and_nothing_on_stderr(number: signal.Signals) -> None:
    with process() as running:
        address = ready(running)["pubsub"]
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(5)
            running.send_signal(number)
            _, errors = running.communicate(timeout=5)
    assert (running.returncode, errors) == (0, "")


def test_it_ends_when_its_parent_closes_the_pipe() -> None:
    with process("--until-stdin-closes") as running:
        ready(running)
        running.communicate(timeout=5)
    assert running.returncode == 0


def test_it_does_not_leave_the_loopback_interface_unless_told() -> None:
    with process("--host", "0.0.0.0") as running:
        output, errors = running.communicate(timeout=5)
    assert running.returncode == 2
    assert "--allow-remote" in output + errors
    with process("--host", "0.0.0.0", "--allow-remote") as running:
        assert ready(running)["pubsub"].startswith("0.0.0.0:")


def test_a_port_in_use_is_said_in_one_line() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        process("--pubsub-port", str(taken.getsockname()[1])) as running,
    ):
        _, errors = running.communicate(timeout=5)
    assert running.returncode == 1
    assert len(errors.strip().splitlines()) == 1


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with embedded() as running:
        yield running


@pytest.mark.parametrize(
    "method", ["google.firestore.v1.Firestore/PartitionQuery", "google.pubsub.v1.Subscriber/Seek", "any.Thing/AtAll"]
)
def test_a_method_that_is_missing_is_named(backend: Backend, method: str) -> None:
    with grpc.insecure_channel(backend.firestore) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(f"/{method}")(b"", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert method in refused.value.details()


def test_bytes_that_are_no_request_are_refused(backend: Backend) -> None:
    with grpc.insecure_channel(backend.pubsub) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/google.pubsub.v1.Publisher/Publish")(b"\xff\xff", timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_first_bytes_may_come_one_by_one_and_connections_may_break_off(backend: Backend) -> None:
    host, port = backend.firestore.split(":")
    for opening in (b"", b"P", b"PRI * HTT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HT", b"\x16\x03\x01"):
        with socket.create_connection((host, int(port))) as broken:
            broken.sendall(opening)
    with socket.create_connection((host, int(port))) as slow:
        for byte in b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n":
            slow.sendall(bytes([byte]))
        assert b"".join(iter(lambda: slow.recv(4096), b"")).endswith(b"Ok\n")


def test_a_connection_serves_many_rest_requests_even_pipelined(backend: Backend) -> None:
    host, port = backend.pubsub.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
        answers = b""
        while answers.count(b"Ok\n") < 3:
            answers += connection.recv(4096)
    assert answers.count(b"HTTP/1.1 200") == 3
