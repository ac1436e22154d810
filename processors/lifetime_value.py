"""Lifetime value: what an order adds, and what is left of it after refunds and cancellation (C-10, T-01..T-05)."""

from processors.money import convert
from processors.order import Order, counts
from processors.policy import Components
from processors.refunds import total_minor
from schemas.events import OrderLine, OrderPlaced


def line_minor(line: OrderLine, components: Components) -> int:
    """What a line adds, in the order's currency.

    A discount beyond the goods is an upstream error; it must not eat the value of other lines.
    """
    return (
        components.goods * line.goods_minor
        - components.discount * min(line.discount_minor, line.goods_minor)
        + components.tax * line.tax_minor
        + components.shipping * line.shipping_minor
    )


def added_minor(event: OrderPlaced, components: Components) -> int:
    """What the order adds: the components that count, summed and then converted once, programme minor units."""
    total = sum(line_minor(line, components) for line in event.lines)
    return convert(max(total, 0), event.rate_ppm)


def net_minor(order: Order) -> int:
    """What the order is worth now. Refunds use its own rate (T-05) and never exceed what it added (T-04).

    Refunds are converted as a sum, so rounding does not depend on how many there were.
    """
    if not counts(order):
        return 0
    refunded = convert(total_minor(order.refunds), order.rate_ppm) if order.refunds_count else 0
    return max(order.added_minor - refunded, 0)
