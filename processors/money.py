"""Money is integer minor units; parts of it always add up to the whole (T-01, T-05, T-26)."""

PPM = 1_000_000


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two non-negative integers, a half rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)


def convert(amount_minor: int, rate_ppm: int) -> int:
    """`amount_minor` in another currency's minor units, at `rate_ppm` millionths."""
    return half_up(amount_minor * rate_ppm, PPM)


def share(before_minor: int, whole_minor: int, part: tuple[int, int], of: int, rate_ppm: int) -> int:
    """What units `part[0]` to `part[1]` of the `of` units of a line are worth, in the other currency's minor units.

    The order's money is laid end to end on a ruler: `before_minor` is where the line starts, `whole_minor` its length.
    A part is the difference between two rounded positions, so that parts add up to the converted whole to the last
    cent, however the line is divided and in whichever order its parts come (T-26).
    """
    start, end = (half_up((before_minor * of + whole_minor * units) * rate_ppm, of * PPM) for units in part)
    return end - start
