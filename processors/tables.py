"""Every table of a partition's store. Prefixes are for ever: they are in the changelog."""

from typing import Any

from processors.agents import AGENTS
from processors.answering import COMMANDS
from processors.cases import CASES
from processors.compensations import COMPENSATIONS
from processors.customer import CUSTOMERS
from processors.designation import ENDED
from processors.family import FAMILIES
from processors.figures import FIGURES
from processors.goodwill import GOODWILL
from processors.interactions import COUNTED
from processors.links import LINKS
from processors.lots import GRANTS, LOTS, QUEUES
from processors.order import ORDERS
from processors.overlaps import OVERLAPS
from processors.partition import PARTITION, POLICIES
from processors.parts import PARTS
from processors.programme import PROGRAMMES, VERSIONS
from processors.return_cases import RETURN_CASES
from processors.reward_figures import REWARDS
from processors.reward_requests import REQUESTS
from processors.rows import Table
from processors.stock import STOCKS
from processors.subscriptions import SUBSCRIPTIONS
from processors.timers import HELD, PLAIN
from processors.undispatched import UNDISPATCHED
from processors.vip_share import CENSUS

TABLES: tuple[Table[Any], ...] = (
    PARTITION,  # b"#"
    POLICIES,  # b"d"
    CUSTOMERS,  # b"c"
    ORDERS,  # b"o"
    RETURN_CASES,  # b"b"
    SUBSCRIPTIONS,  # b"u"
    CASES,  # b"k"
    FIGURES,  # b"f"
    ENDED,  # b"j"
    COMMANDS,  # b"n"
    PLAIN,  # b"t"
    HELD,  # b"h"
    COUNTED,  # b"r"
    CENSUS,  # b"m"
    PROGRAMMES,  # b"g"
    VERSIONS,  # b"v"
    UNDISPATCHED,  # b"w"
    LOTS,  # b"l"
    QUEUES,  # b"q"
    GRANTS,  # b"y"
    REQUESTS,  # b"z"
    LINKS,  # b"L"
    FAMILIES,  # b"i"
    PARTS,  # b"e"
    OVERLAPS,  # b"s"
    GOODWILL,  # b"G"
    COMPENSATIONS,  # b"x"
    AGENTS,  # b"a"
    STOCKS,  # b"S"
    REWARDS,  # b"R"
)
