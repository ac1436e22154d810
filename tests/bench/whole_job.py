"""The whole job through laurel's own worker: both stages, the full domain, explained decisions, exactly once.

Usage: LAUREL_NAMESPACE=... python -m tests.bench.whole_job worker --without-web -l warn

It is the product's worker, which is only watched: an event is done when the batch that folded it is committed.
"""

from typing import Any

from streams.app import app
from streams.counting import Counts, is_message
from tests.bench import meter

watch = meter.Meter()
counted = Counts.committed
done = 0


def committed(counts: Counts, folded: Any, began: float, ended: float) -> None:
    global done  # noqa: PLW0603 - one worker, one count
    counted(counts, folded, began, ended)
    if counts.agent == "customers":
        # Ticks have no origin, and nobody published messages.
        done += sum(1 for record in folded.records if record.headers and not is_message(record))
        watch.reached(done)


Counts.committed = committed  # type: ignore[method-assign]

if __name__ == "__main__":
    app.main()
