"""`laurel worker`: the process that decides."""

import os
import sys


def worker() -> None:
    """Run a worker until it is told to stop.

    Example: LAUREL_INSTANCE=worker-1 laurel worker
    """
    os.environ.setdefault("FAUST_LOGLEVEL", "warn")
    from streams.app import app as faust_app

    sys.argv = ["laurel", "worker", "--without-web", "--loglevel", "warn"]
    faust_app.main()
