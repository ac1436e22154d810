"""The fixed job of the comparison, small: what it measures must be right, or its speed means nothing."""

from tests.bench import engines, orders


def test_the_fixed_job_gives_what_a_recount_gives(bootstrap, namespace, tmp_path):
    topic, events = f"fixed-{namespace}orders", 20_000
    orders.fill(bootstrap, topic, events)

    # Raises unless changelog, tier events and positions are those of a recount.
    measured = engines.laurel(engines.Run(bootstrap, topic, events, namespace.rstrip("-"), tmp_path))

    assert measured.events >= events * 0.5
