"""A worker that finds no broker, or no topics, says so and waits; it goes on by itself once they are there."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING, Self

from deploy.broker import local

if TYPE_CHECKING:
    from tests.faults.system import System


def test_missing_broker_then_missing_topics(bare_system: System) -> None:
    system = bare_system
    port = local.free_port()
    worker = system.worker("early").start(LAUREL_BOOTSTRAP=f"127.0.0.1:{port}")
    system.wait(lambda: bool(worker.said("waiting")), "a word about the broker")
    assert str(port) in worker.said("waiting")[0]["what"]
    assert worker.ready()["state"] == "waiting for broker"
    assert worker.ready()["ready"] is False

    with Door(port, system.bootstrap):
        system.wait(
            lambda: any("laurel topics create" in line["because"] for line in worker.said("waiting")),
            "a word about the topics",
        )
        assert worker.ready()["state"] == "waiting for broker"
        assert worker.running
        system.create()
        system.await_running(worker)
        system.publisher.start()
        system.await_progress()
        system.finish()


def test_by_the_events_clock_two_workers_wait_and_say_so(system: System) -> None:
    """Each sees only its own minimum, so neither may tick (D4)."""
    system.environment["LAUREL_CLOCK"] = "events"
    a, b = system.start("a")[0], system.worker("b").start()
    for worker in (a, b):
        system.wait(
            lambda worker=worker: "every partition" in worker.ready().get("state", ""), f"{worker.name} to see that"
        )
    assert a.ready()["ready"] is b.ready()["ready"] is False
    assert b.terminate() == 0
    system.await_running(a)


class Door:
    """The first way to a broker, where there was none: its address, passed on. Clients then learn the broker's own."""

    def __init__(self, port: int, bootstrap: str) -> None:
        host, _, number = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
        self._behind = (host, int(number))
        self._listening = socket.create_server(("127.0.0.1", port))

    def __enter__(self) -> Self:
        Thread(target=self._open, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _open(self) -> None:
        while True:
            try:
                come, _ = self._listening.accept()
                gone = socket.create_connection(self._behind)
            except OSError:
                return
            for source, sink in ((come, gone), (gone, come)):
                Thread(target=pass_on, args=(source, sink), daemon=True).start()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Everything from one connection to the other, until one ends."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            end.close()
