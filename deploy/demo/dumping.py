"""Write down what laurel published, each topic as `laurel tail TOPIC --all` shows it: committed records only.

`python -m deploy.demo.dumping FOLDER`; one process for all of them, where each command would take a second to start. Of the
timeline only the ticks are kept; dead letters are opened.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from confluent_kafka import KafkaException

from streams import dead_letters
from streams.settings import Settings
from streams.tailing import lines

TOPICS = ("customer-profiles", "tier-changes", "return-decisions", "priority-routing", "at-risk-alerts")
TICK = '"type": "ClockTicked"'


def told(letter: dead_letters.DeadLetter) -> dict[str, str]:
    """What the report and the recount need of a dead letter."""
    return {"origin": letter.origin, "reason": letter.reason, "detail": letter.lost or letter.detail}


def main() -> int:
    """Write the files; exit code 1, with the broker's reason, where that fails."""
    folder, settings = Path(sys.argv[1]), Settings()
    try:
        for topic in (*TOPICS, "timeline"):
            with (folder / f"{topic}.jsonl").open("w", encoding="utf-8") as file:
                for line in lines(settings, topic, None, follow=False):
                    if topic != "timeline" or TICK in line:
                        file.write(line + "\n")
        with (folder / "dead-letters.jsonl").open("w", encoding="utf-8") as file:
            for letter in dead_letters.find(settings):
                file.write(json.dumps(told(letter), ensure_ascii=False) + "\n")
    except KafkaException as error:
        print(f"{settings.bootstrap}: {error.args[0].str()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
