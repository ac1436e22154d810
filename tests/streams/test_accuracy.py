"""Every customer's points are recounted, and one point too many is found."""

from msgspec.structs import replace

from processors.customer import CUSTOMERS
from processors.lots import QUEUES, Queued
from streams.accuracy import check_points
from tests.processors.story import Story


def test_points_that_do_not_add_up_are_found_and_named_r_pts_06() -> None:
    story = Story({"points": "shipped"})
    for customer in ("ada", "bob", "cy"):
        story.register("2024-01-01", customer=customer)
    story.contact("2024-01-01", customer="dot")
    story.order("2024-01-02", "10.00")
    story.adjust("2024-01-03", -40, customer="bob")
    check = check_points(story.rows, 0)
    assert (check.compared, check.differences) == (3, 0)
    row = story.row("bob")
    story.rows.put(CUSTOMERS, replace(row, points=replace(row.points, available=61)), "bob")
    ((key, _),) = story.rows.first(QUEUES, 1, below="cy\x01", above="cy")
    story.rows.put(QUEUES, Queued(99), *key)
    check = check_points(story.rows, 0)
    assert (check.compared, check.differences) == (3, 2)
    assert check.first.startswith("points of bob: the lots add up to Wallet(available=60")
