"""Whether customers' points are what their lots add up to, recounted for everybody (R-PTS-06)."""

from processors.customer import CUSTOMERS
from processors.lots import Wallet
from processors.rows import Rows
from processors.statement import of_all_ids, recount
from streams.report import Check

PAGE = 1_000
"""Customers that are read together."""


def check_points(rows: Rows, partition: int) -> Check:
    """Recount every customer who has or had points, and compare with the sums on their row."""
    check, last = Check("R-PTS-06", "sums of points", partition), ""
    while found := rows.first(CUSTOMERS, PAGE, above=last):
        for (customer,), row in found:
            if row.host is not None:
                continue
            counted, lots = recount(of_all_ids(rows, customer, row), customer)
            if lots or row.points != Wallet():
                check.compared += 1
                if counted != row.points:
                    check.differ(f"points of {customer}: the lots add up to {counted}, found {row.points}")
        last = found[-1][0][0]
    return check
