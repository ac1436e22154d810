"""`laurel worker`: the process that decides."""

import faulthandler
import os
import sys


def worker() -> None:
    """Run a worker until it is told to stop.

    Example: laurel worker --instance worker-1
    """
    # The client and the tables are not Python's: what ends the process there is to say which of ours had called it.
    faulthandler.enable()
    os.environ.setdefault("FAUST_LOGLEVEL", "warn")
    from streams.app import app as faust_app

    sys.argv = ["laurel", "worker", "--without-web", "--loglevel", "warn"]
    faust_app.main()
