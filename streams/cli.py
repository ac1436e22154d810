"""The command `laurel`: its table of commands, and how it ends."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from cyclopts import App, CycloptsError, Group, Parameter

from streams import (
    configuration_commands,
    dead_letters_commands,
    designation_commands,
    entitlements_commands,
    erasure_commands,
    flags,
    guide_commands,
    health_commands,
    identity_commands,
    logs,
    points_commands,
    programme_commands,
    records_commands,
    report_commands,
    requirements_commands,
    sandbox_commands,
    schema_commands,
    simulating_commands,
    skips_commands,
    topics_commands,
    tracing_commands,
    verify_commands,
    waiting_commands,
    worker_commands,
)
from streams.console import BAD_INPUT, NOT_THERE, OK, UNREAD, fail, noted
from streams.settings import Settings, config_file

EXIT_CODES = (
    "Exit codes: 0 done; 1 done, and something is wrong or waits; 2 the call or its input is wrong; "
    "3 the broker or a part of it is missing; 141 nobody reads what is printed."
)
COMMANDS: tuple[str | App | Callable[..., int | None], ...] = (
    "Set up and run",
    topics_commands.app,
    programme_commands.app,
    schema_commands.app,
    configuration_commands.app,
    worker_commands.worker,
    sandbox_commands.sandbox,
    "Records in and out",
    records_commands.publish,
    records_commands.tail,
    simulating_commands.simulate,
    waiting_commands.waiting,
    "Decide as people do",
    designation_commands.app,
    identity_commands.app,
    "What happened, and why",
    tracing_commands.trace,
    tracing_commands.timeline,
    tracing_commands.why,
    tracing_commands.explain,
    entitlements_commands.entitlements,
    points_commands.points,
    "Who, and how many",
    report_commands.app,
    "Is all well",
    health_commands.status,
    health_commands.doctor,
    verify_commands.verify,
    topics_commands.topology,
    requirements_commands.requirements,
    "Put right",
    dead_letters_commands.app,
    skips_commands.skip,
    erasure_commands.erase,
    "Find your way",
    guide_commands.help_,
    guide_commands.completion,
)
"""Every command, below the heading of its panel in `laurel --help`."""


def composed() -> App:
    """The command with all its commands; settings are taken off a call before it reaches them."""
    app = App(
        name="laurel",
        help="Decisions for VIP and loyalty programmes, from events on Kafka.\n\nExample: laurel simulate events.jsonl",
        version=lambda: version("laurel-streams"),
        version_flags=["--version"],
        default_parameter=Parameter(negative=(), show_default=_default),
        config=flags.fill,
        group_commands=Group("Options", sort_key=len(COMMANDS)),
        print_error=False,
        exit_on_error=False,
    )
    group = Group("Commands")
    for place, each in enumerate(COMMANDS):
        if isinstance(each, str):
            group = Group(each, sort_key=place)
        elif isinstance(each, App):
            each.group, each.group_commands = (group,), Group("Commands")
            each.default_parameter = app.default_parameter
            app.command(each)
        else:
            app.command(each, group=group)
    app.help_epilogue = f"{flags.epilogue((), app)} {EXIT_CODES}"
    for words, command in flags.commands(app):
        command.help_epilogue = flags.epilogue(words, command)
    app.meta.default(flags.launcher(app))
    return app


def _default(value: object) -> str | None:
    """What a page says of a default: nothing where a flag is simply not given."""
    return None if value is None or value is False else str(value)


app = composed()


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
    except CycloptsError as error:
        code = fail(flags.explain(error), BAD_INPUT)
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
            return app.meta(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return UNREAD
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # rich has seen it first
            return UNREAD
        raise
