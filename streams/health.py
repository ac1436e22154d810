"""What a worker says of itself: over HTTP from its first second, and in the log when it changes.

/live, /ready and /startup are for whoever starts and stops workers, /metrics is for Prometheus.
"""

import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = structlog.get_logger()


class Health:
    """The honest state of a worker. `ask` returns (ready, state, details); it is called for every answer.

    So is `page`, for /metrics. Neither may wait for a broker, which may be away.
    """

    def __init__(
        self, ask: Callable[[], tuple[bool, str, dict[str, Any]]], page: Callable[[], bytes] = lambda: b""
    ) -> None:
        self._ask = ask
        self._page = page
        self._said = ""

    def say(self) -> None:
        """Log the state if it is another than last time."""
        ready, state, details = self._ask()
        if state != self._said:
            self._said = state
            log.info("state", state=state, ready=ready, **details)

    def serve(self, host: str, port: int) -> None:
        """Answer in a thread of its own, whatever the agents are doing. Raises `OSError` where the port is taken."""

        async def live(_: Request) -> JSONResponse:
            return JSONResponse({"live": True})

        async def ready(_: Request) -> JSONResponse:
            is_ready, state, details = self._ask()
            return JSONResponse({"ready": is_ready, "state": state, **details}, 200 if is_ready else 503)

        async def metrics(_: Request) -> Response:
            return Response(self._page(), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

        answers = {"/live": live, "/ready": ready, "/startup": ready, "/metrics": metrics}
        app = Starlette(routes=[Route(path, answer) for path, answer in answers.items()])
        # Taken here: a worker that another one's answers speak for would be judged by them.
        taken = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        Thread(target=server.run, args=([taken],), name="health", daemon=True).start()
