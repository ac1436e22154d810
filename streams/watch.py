"""What is looked at again and again beside the work."""

from collections.abc import Callable
from threading import Event, Thread


class Watch:
    """Calls `look` every so many seconds, in a thread of its own, until it is stopped. `look` handles its own errors."""

    def __init__(self, name: str, look: Callable[[], None], every_s: float, end_s: float) -> None:
        self._look = look
        self._every_s = every_s
        self._end_s = end_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._after_s = 0.0

    def start(self, after_s: float = 0.0) -> None:
        """Look at once, or `after_s` seconds from now, and go on."""
        self._after_s = after_s
        self._thread.start()

    def stop(self) -> None:
        """Look no more. A look under way may take as long as the broker is away; no more than `end_s` is waited for it."""
        self._stop.set()
        self._thread.join(self._end_s)

    def _run(self) -> None:
        pause_s = self._after_s
        while not self._stop.wait(pause_s):
            self._look()
            pause_s = self._every_s
