"""Those who judge the others: what a source holds beyond the journal is told apart, and is not let pass."""

from __future__ import annotations

from schemas import events as e
from schemas.codec import encode
from tests.faults.events import Published
from tests.faults.publisher import Publisher
from tests.faults.system import System


def test_a_record_kept_twice_is_owed_once_more_and_one_that_nobody_published_is_found(system: System) -> None:
    system.start("a")
    known = system.publisher
    known.publish([known.history.next() for _ in range(50)])
    once = next(record for record in known.journal.values() if record.reason is None)
    stranger = e.CustomerRegistered(event_id="nobody", customer_id="nobody", occurred_at=1_700_000_000_000)
    other = Publisher(system.bootstrap, system.namespace, known.history)

    other.publish([once])
    system.wait(lambda: not system.oracle.read() and system.oracle.unknown(known.journal), "the second copy")
    before = len(known.journal)
    system.finish()
    assert (system.kept_twice, len(known.journal)) == (1, before + 1)

    other.publish([Published("interactions", b"nobody", encode(stranger), stranger)])
    system.wait(lambda: not system.oracle.read() and system.oracle.unknown(known.journal), "the stranger")
    (place,) = system.oracle.unknown(known.journal)
    assert f"nobody published {'/'.join(map(str, place))}" in system.violations()
    assert (system.kept_twice, len(known.journal)) == (1, before + 1)
