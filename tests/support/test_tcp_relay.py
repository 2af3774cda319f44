"""The relay delivers every byte in order, and no sooner than its link allows."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.tcp_relay import CHUNK_BYTES, FAR, Link, Relay, relay

N_BYTES = 5 * CHUNK_BYTES + 7


@contextlib.contextmanager
def connected(link: Link) -> Iterator[tuple[Relay, socket.socket]]:
    """A connection through a relay to a server that sends back what it receives."""

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=echo, args=listener.accept()[:1], daemon=True).start()

    def echo(one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            while data := one.recv(CHUNK_BYTES):
                one.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        url = f"http://localhost:{listener.getsockname()[1]}"
        with relay(url, link) as one, connection(one) as client:
            yield one, client


def connection(one: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(one.url.rpartition(":")[2])), timeout=60)


def exchanged(client: socket.socket, sent: bytes) -> bytes:
    threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
    received = b""
    while len(received) < len(sent):
        received += client.recv(CHUNK_BYTES)
    return received


@pytest.mark.parametrize("link", [Link(), Link(0.01, 50e6), FAR])
def test_bytes_arrive_unchanged_and_in_order(link: Link) -> None:
    sent = np.random.default_rng(3).bytes(N_BYTES)
    with connected(link) as (_, client):
        assert exchanged(client, sent) == sent


def test_an_answer_takes_at_least_a_round_trip_and_the_time_of_its_bytes() -> None:
    link = Link(0.05, 8e6)
    with connected(link) as (_, client):
        exchanged(client, b"first: after the handshake")
        for sent in (b"one byte or many", bytes(N_BYTES)):
            start = time.monotonic()
            exchanged(client, sent)
            # The last byte waits for those before it once: both directions work at the same time.
            assert time.monotonic() - start >= 2 * link.delay_s + 8 * len(sent) / link.bits_per_s


def test_connections_share_the_bandwidth() -> None:
    link = Link(0.0, 8e6)
    with connected(link) as (one, first), connection(one) as second:
        start = time.monotonic()
        others = threading.Thread(target=exchanged, args=(second, bytes(N_BYTES)))
        others.start()
        exchanged(first, bytes(N_BYTES))
        others.join()
        assert time.monotonic() - start >= 8 * 2 * N_BYTES / link.bits_per_s


def test_a_cut_connection_ends_at_the_client() -> None:
    with connected(FAR) as (one, client):
        exchanged(client, b"GET /live/socket HTTP/1.1\r\n")
        assert one.cut("/other") == 0
        assert one.cut("/live/socket") == 1
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
