"""The process: arguments, listeners, one ready line on stdout, and an orderly end.

It ends on SIGTERM and SIGINT, and with --until-stdin-closes when its parent closes the pipe or dies.
"""

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import grpc

from emulator.embedded.firestore import Firestore
from emulator.embedded.front import Front, Respond
from emulator.embedded.pubsub import PubSub
from emulator.embedded.rest import FIRESTORE_ROUTES, PUBSUB_ROUTES, Rest
from emulator.embedded.rpc import UnimplementedByName, generic_handlers

# Larger than the services' own limit, so that they can refuse with production's code and reason.
RECEIVE_LIMIT_BYTES = 64 * 1024 * 1024
GRPC_OPTIONS = (
    ("grpc.max_receive_message_length", RECEIVE_LIMIT_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        print(
            f"{options.host} is not an IP address of the loopback interface; --allow-remote binds it all the same",
            file=sys.stderr,
        )
        return 2
    gc.set_threshold(50_000, 20, 50)  # documents and messages are long-lived and free of cycles
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(serve(options))
        except OSError as error:
            print(f"cannot listen: {error}", file=sys.stderr)
            return 1
    return 0


async def serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if options.until_stdin_closes:
        _stop_at_end_of_stdin(stop)
    pubsub, firestore = PubSub(), Firestore()
    pubsub_handlers = [
        generic_handlers("google.pubsub.v1.Publisher", pubsub.publisher_methods(), {}),
        generic_handlers("google.pubsub.v1.Subscriber", pubsub.subscriber_methods(), pubsub.conversations()),
    ]
    firestore_handlers = [generic_handlers("google.firestore.v1.Firestore", firestore.methods(), {})]
    pubsub_rest = Rest(PUBSUB_ROUTES, pubsub.publisher_methods() | pubsub.subscriber_methods())
    firestore_rest = Rest(FIRESTORE_ROUTES, firestore.methods())
    sweeper = asyncio.create_task(pubsub.sweep_forever())
    async with (
        _listener(options.host, options.pubsub_port, pubsub_handlers, pubsub_rest.respond) as pubsub_address,
        _listener(
            options.host, options.firestore_port, firestore_handlers, firestore_rest.respond
        ) as firestore_address,
    ):
        print(json.dumps({"pubsub": pubsub_address, "firestore": firestore_address}), flush=True)
        await stop.wait()
        sweeper.cancel()


@contextlib.asynccontextmanager
async def _listener(
    host: str, port: int, handlers: Sequence[grpc.GenericRpcHandler], respond: Respond
) -> AsyncIterator[str]:
    """A gRPC server on a loopback port of its own, and before it the public port that also speaks REST."""
    inner = grpc.aio.server(options=GRPC_OPTIONS)
    inner.add_generic_rpc_handlers((*handlers, UnimplementedByName()))
    inner_port = inner.add_insecure_port("127.0.0.1:0")
    await inner.start()
    try:
        outer = await asyncio.get_running_loop().create_server(lambda: Front(inner_port, respond), host, port)
        yield f"{host if ':' not in host else f'[{host}]'}:{outer.sockets[0].getsockname()[1]}"
        outer.close()
    finally:
        await inner.stop(grace=None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator.embedded", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="an IP address")
    parser.add_argument("--pubsub-port", type=int, default=0, help="0: a free port")
    parser.add_argument("--firestore-port", type=int, default=0, help="0: a free port")
    parser.add_argument("--allow-remote", action="store_true", help="accept a host that is not loopback")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent closes stdin or dies")
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may mean several addresses, each with its own port


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where the platform has it."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: its event loop has no signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _stop_at_end_of_stdin(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()
