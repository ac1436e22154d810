"""A way to a server that can be closed and opened, wherever the server runs: what is away, for whoever goes this way."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from deploy.broker.local import free_port


class Relay:
    """Listens on a port of its own while it is open, and passes bytes on to where a URL points."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._port = free_port()
        self.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self._port}"))
        self._listening: socket.socket | None = None
        self._open: list[socket.socket] = []

    def open(self) -> None:
        """Take connections."""
        self._listening = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and end those that there are."""
        if self._listening is not None:
            self._open.append(self._listening)
        for each in self._open:
            with contextlib.suppress(OSError):  # its other side has gone
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._listening = None
        self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
                there = socket.create_connection(self._target)
            except OSError:
                return
            self._open += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

    def __enter__(self) -> Self:
        """Closed at first."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed for good."""
        self.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while found := one.recv(65536):
            other.sendall(found)
        other.shutdown(socket.SHUT_WR)
