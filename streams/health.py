"""What a worker says of itself: on /live, /ready and /startup from the first second, and in the log when it changes."""

import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

log = structlog.get_logger()


class Health:
    """The honest state of a worker. `ask` returns (ready, state, details); it is called for every answer."""

    def __init__(self, ask: Callable[[], tuple[bool, str, dict[str, Any]]]) -> None:
        self._ask = ask
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

        app = Starlette(routes=[Route("/live", live), Route("/ready", ready), Route("/startup", ready)])
        # Taken here: a worker that another one's answers speak for would be judged by them.
        taken = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        Thread(target=server.run, args=([taken],), name="health", daemon=True).start()
