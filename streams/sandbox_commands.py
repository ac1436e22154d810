"""`laurel sandbox`: a broker, a schema registry, topics and a worker with an invented shop, to try against."""

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from streams.console import BAD_INPUT, NOT_THERE, OK, Json, fail
from streams.settings import FLAGS, Wire

LAUNCHERS = Path(__file__).parents[1] / "deploy" / "sandbox"
"""What starts brokers is no part of what runs in production: it is in the repository, not in the wheel."""
HINTS = """
Paste these lines where your own program runs. Then, for example:
  {programs}/laurel tail tier-changes --follow
  {programs}/python {root}/deploy/examples/consumer.py
  curl -s http://127.0.0.1:{health_port}/ready
Ctrl-C here stops all of it, and leaves nothing behind.
"""


def sandbox(
    *,
    rate: float = 20,
    seed: int = 7,
    mix: str = "orders=6,returns=1,interactions=2,support=1",
    policy: Path | None = None,
    wire: Wire = "single-object",
    during: Annotated[timedelta | None, Parameter(name="--for")] = None,
    as_json: Json = False,
) -> int:
    """Start all that an integrator needs, with an invented shop that goes on, until Ctrl-C; nothing stays behind.

    What is printed can be pasted where your own program runs. Needs laurel's repository, and Docker or Java. It chooses its
    settings itself: those set elsewhere do not reach it.

    Example: laurel sandbox --rate 20 --seed 7 --for 30m

    Parameters
    ----------
    rate
        Events a second; 0 leaves it at the shop's history.
    seed
        The same one invents the same customers, orders and events.
    mix
        How often something happens on each topic, beside the others.
    policy
        The policy file; the shipped default where none is given.
    wire
        How decisions are written: Avro single-object encoding, or Confluent's wire format with the ids of the registry.
    during
        How long, such as 90s, 30m or 6h; until Ctrl-C where no time is given.
    as_json
        One line with the addresses, once all is ready.
    """
    from streams import policies

    if not LAUNCHERS.is_dir():
        where = "clone laurel's repository and call `bash deploy/sandbox.sh` there"
        return fail(
            f"a sandbox needs what starts brokers and registries, which no installed laurel has: {where}", BAD_INPUT
        )
    if FLAGS:
        return fail(
            f"found the setting {', '.join(FLAGS)}; a sandbox chooses its settings itself, and prints them", BAD_INPUT
        )
    if rate < 0 or (during is not None and during <= timedelta()):
        return fail(f"found --rate {rate} and --for {during}; a rate from 0 and a time above 0 are needed", BAD_INPUT)

    from deploy.broker.runs import BrokerError
    from deploy.sandbox import running

    def ready(settings: Mapping[str, str]) -> None:
        if as_json:
            sys.stdout.write(json.dumps(settings) + "\n")
        else:
            sys.stdout.writelines(f"export {name}={value}\n" for name, value in running.as_variables(settings).items())
            sys.stderr.write(HINTS.format(**settings, programs=Path(sys.executable).parent, root=LAUNCHERS.parents[1]))
        sys.stdout.flush()

    def say(what: str) -> None:
        sys.stderr.write(f"{what} ...\n")

    seconds = None if during is None else during.total_seconds()
    try:
        wish = running.Wish(rate, seed, running.mix_of(mix), policy or policies.default_file(), wire, seconds)
        running.run(wish, say, ready)
    except (ValueError, policies.PolicyFileError) as error:
        return fail(error, BAD_INPUT)
    except BrokerError as error:
        return fail(error, NOT_THERE)
    return OK
