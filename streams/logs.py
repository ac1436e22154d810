"""Logs: one JSON object a line where a program reads, colours where a person does; normal operation says little."""

import logging
import os
import sys

import structlog


def configure() -> None:
    """Send structlog to standard error. Repeating it changes nothing."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # A line and its end in one write: librdkafka writes to the same place, and what it said between the two (seen) made a
        # line that no program could read, of all lines the one that says why the worker ended.
        logger_factory=structlog.WriteLoggerFactory(sys.__stderr__),
    )
