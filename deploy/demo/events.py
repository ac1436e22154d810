"""What upstream systems say of a purchase, each kind of event as a line for `laurel publish`.

`at` is when it happened, milliseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Any

from deploy.demo.history import Purchase

Event = dict[str, Any]


def event(kind: str, event_id: str, customer_id: str, at: int, **fields: object) -> Event:
    """Any event."""
    return {"type": kind, "event_id": event_id, "customer_id": customer_id, "occurred_at": at, **fields}


def placed(purchase: Purchase, at: int, currency: str) -> Event:
    """The order that a line of a purchase history tells of."""
    line = {"line_id": "1", "quantity": purchase.items, "goods_minor": purchase.amount_minor}
    order = {"order_id": purchase.order_id, "currency": currency, "lines": [line]}
    return event("OrderPlaced", f"placed-{purchase.line:06d}", purchase.customer_id, at, **order)


def registered(purchase: Purchase, at: int) -> Event:
    """Whoever bought has told who they are."""
    return event("CustomerRegistered", f"registered-{purchase.line:06d}", purchase.customer_id, at)


def delivered(purchase: Purchase, at: int) -> Event:
    """The order has arrived."""
    return event(
        "OrderDelivered", f"delivered-{purchase.line:06d}", purchase.customer_id, at, order_id=purchase.order_id
    )


def cancelled(purchase: Purchase, at: int) -> Event:
    """The order was called off."""
    return event(
        "OrderCancelled", f"cancelled-{purchase.line:06d}", purchase.customer_id, at, order_id=purchase.order_id
    )


def refunded(purchase: Purchase, at: int, part: str, amount_minor: int) -> Event:
    """Some of the money went back; `part` tells several refunds of an order apart."""
    fields = {"order_id": purchase.order_id, "refund_id": f"f-{part}", "goods_minor": amount_minor}
    return event("OrderRefunded", f"refund-{purchase.line:06d}-{part}", purchase.customer_id, at, **fields)


def requested(purchase: Purchase, at: int, count: int, units: int) -> Event:
    """Somebody wants to send goods back; `count` tells several requests for an order apart."""
    name = f"{purchase.line:06d}-{count}"
    fields = {
        "return_id": f"r-{name}",
        "order_id": purchase.order_id,
        "lines": [{"line_id": "1", "quantity": units}],
    }
    return event("ReturnRequested", f"return-{name}", purchase.customer_id, at, **fields)


def contacted(purchase: Purchase, at: int, name: str, channel: str, topic: str) -> Event:
    """Somebody asks the contact centre; `name` tells cases apart."""
    case = {"case_id": f"k-{name}", "channel": channel, "topic": topic}
    return event("ContactOpened", f"contact-{name}", purchase.customer_id, at, **case)
