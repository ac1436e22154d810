"""The row of the fixed job."""

from msgspec import Struct

from processors.rows import Table


class Total(Struct, frozen=True, array_like=True):
    """The job's row."""

    lifetime_value_minor: int
    orders: int
    tier: int


TOTALS = Table("totals", b"~", Total, "value, count and tier of each customer")
NEW = Total(0, 0, 0)
