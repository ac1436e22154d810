"""Whether a Kafka broker is up: asked in its own protocol, as an open port is too early to start working."""

from __future__ import annotations

import socket
import struct

from deploy.broker.runs import BrokerError, until


def brokers(address: str) -> set[int]:
    """Ask the broker at HOST:PORT who is alive; nobody, if it does not answer as a Kafka broker without TLS."""
    host, _, port = address.strip().rpartition(":")
    metadata_v1_of_no_topic = struct.pack(">hhihi", 3, 1, 1, -1, 0)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(metadata_v1_of_no_topic)) + metadata_v1_of_no_topic)
            answer = connection.makefile("rb")

            def number(kind: str) -> int:
                return int(struct.unpack(kind, answer.read(struct.calcsize(kind)))[0])

            number(">i")  # size
            if number(">i") != 1:  # correlation id: something else listens there
                return set()
            alive = set()
            for _ in range(number(">i")):
                alive.add(number(">i"))
                answer.read(max(0, number(">h")))  # host
                number(">i")  # port
                answer.read(max(0, number(">h")))  # rack
            return alive
    except (OSError, ValueError, struct.error):
        return set()


def await_broker(bootstrap: str, seconds: float) -> None:
    """Wait until one of the addresses answers."""
    if not until(lambda: any(map(brokers, bootstrap.split(","))), seconds):
        raise BrokerError(f"No Kafka broker answers (without TLS) at {bootstrap} within {seconds:.0f} seconds.")
