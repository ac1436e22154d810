"""The product's own worker, both stages, with a fold as small as the fixed job's: what the engine alone makes events wait.

Usage: LAUREL_NAMESPACE=... python -m tests.bench.two_stages worker --without-web -l warn

Intake is the product's. Of each order on the timeline the fold adds up value, count and tier, and says which order it was.
"""

from schemas.codec import decode
from schemas.events import OrderPlaced
from state.overlay import Overlay
from streams import folding
from streams.records import Outgoing, Record
from tests.bench.fixed_rows import NEW, TOTALS, Total
from tests.bench.orders import tier_of


def fold(rows: Overlay, record: Record, skipped: frozenset[str]) -> list[Outgoing]:
    """Add an order, and name it."""
    order = decode(record.value, taken=True)
    if not isinstance(order, OrderPlaced):
        return []
    row = rows.get(TOTALS, order.customer_id) or NEW
    value = row.lifetime_value_minor + sum(line.goods_minor for line in order.lines)
    rows.put(TOTALS, Total(value, row.orders + 1, tier_of(value)), order.customer_id)
    rows.keep()
    return [Outgoing("tier-changes", record.key, order.event_id.encode(), record.partition)]


folding.fold = fold

from streams.app import app  # it takes the fold that it finds

if __name__ == "__main__":
    app.main()
