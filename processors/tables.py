"""Every table of a partition's store. Prefixes are for ever: they are in the changelog."""

from typing import Any

from processors.customer import CUSTOMERS
from processors.interactions import COUNTED
from processors.order import ORDERS
from processors.partition import PARTITION, POLICIES
from processors.routing import CASES
from processors.rows import Table
from processors.subscriptions import SUBSCRIPTIONS
from processors.timers import HELD, PLAIN
from processors.vip_share import CENSUS

TABLES: tuple[Table[Any], ...] = (
    PARTITION,  # b"#"
    POLICIES,  # b"d"
    CUSTOMERS,  # b"c"
    ORDERS,  # b"o"
    SUBSCRIPTIONS,  # b"u"
    CASES,  # b"k"
    PLAIN,  # b"t"
    HELD,  # b"h"
    COUNTED,  # b"r"
    CENSUS,  # b"m"
)
