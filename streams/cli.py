"""The command `laurel`: its table of commands, and how it ends."""

import os
import sys
from importlib.metadata import version
from typing import Any

from cyclopts import App

from streams import (
    configuration_commands,
    dead_letters_commands,
    health_commands,
    logs,
    policy_commands,
    records_commands,
    sandbox_commands,
    schema_commands,
    simulating_commands,
    skips_commands,
    topics_commands,
    tracing_commands,
    verify_commands,
    worker_commands,
)
from streams.console import BAD_INPUT, NOT_THERE, OK, UNREAD, fail, noted
from streams.settings import Settings, config_file

app = App(
    name="laurel",
    help="Decisions for VIP and loyalty programmes, from events on Kafka.",
    version=lambda: version("laurel-streams"),
    version_flags=["--version"],
)
COMMANDS = (
    worker_commands.worker,
    topics_commands.app,
    topics_commands.topology,
    records_commands.publish,
    records_commands.tail,
    health_commands.doctor,
    health_commands.status,
    tracing_commands.explain,
    tracing_commands.why,
    tracing_commands.trace,
    tracing_commands.timeline,
    policy_commands.app,
    schema_commands.app,
    simulating_commands.simulate,
    verify_commands.verify,
    skips_commands.skip,
    dead_letters_commands.app,
    configuration_commands.app,
    sandbox_commands.sandbox,
)
for command in COMMANDS:
    app.command(command)


def main() -> None:
    """Entry point; the exit code is the command's."""
    from tomllib import TOMLDecodeError

    from confluent_kafka import KafkaException
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from streams import configuration
    from streams.framing import RegistryError

    logs.configure()
    try:
        code = _answer()
    except ValidationError as error:
        code = fail(configuration.explain(error), BAD_INPUT)
    except SettingsError as error:
        code = fail(error, BAD_INPUT)
    except TOMLDecodeError as error:
        code = fail(f"{config_file()}: {error}", BAD_INPUT)
    except (TimeoutError, RegistryError) as error:
        code = fail(error, NOT_THERE)
    except KafkaException as error:
        code = fail(f"{Settings().bootstrap}: {error.args[0].str()}{noted(error)}", NOT_THERE)
    sys.exit(code if isinstance(code, int) else OK)


def _answer() -> Any:
    """Run the command; nobody reading what it prints ends it quietly.

    SIGPIPE's own way would do it too, but a broker that hangs up on a worker raises that signal as well.
    """
    try:
        try:
            return app(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return UNREAD
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # rich has seen it first
            return UNREAD
        raise
