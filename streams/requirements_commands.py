"""`laurel requirements`: what was asked for, what is delivered, and which tests show it."""

from streams.console import BAD_INPUT, FAILED, OK, Json, emit, fail, out, table, warn


def requirements(*, area: str | None = None, planned: bool = False, as_json: Json = False) -> int:
    """List every requirement with its status and how many tests cite it; exit code 1 if one is delivered without a test.

    Example: laurel requirements --area TIER

    Parameters
    ----------
    area
        Only those of one area, as CUST or TIER; T for traps, C for what was decided where the sources say nothing.
    planned
        Only those that are planned.
    as_json
        As JSON lines, with the names of the tests.
    """
    from streams import requirements as index

    try:
        listed, cited = index.requirements(), index.citations()
    except index.NoRepositoryError as error:
        return fail(error, BAD_INPUT)
    areas = list(dict.fromkeys(map(index.area, listed)))
    if area is not None and area.upper() not in areas:
        return fail(f"found area {area}; there are {', '.join(areas)}", BAD_INPUT)
    chosen = {
        name: it
        for name, it in listed.items()
        if (area is None or index.area(name) == area.upper()) and not (planned and it.status == "delivered")
    }
    drawn = table("id", "status", "tests", "what is asked")
    for name, it in chosen.items():
        tests = cited.get(name, [])
        if as_json:
            emit({"id": name, "status": it.status, "text": it.text, "tests": tests})
        else:
            drawn.add_row(name, it.status, str(len(tests)), it.text)
    if not as_json:
        out().print(drawn)
        out().print(f"{sum(it.status == 'delivered' for it in chosen.values())} of {len(chosen)} are delivered.")
    mistakes = index.wrong(listed, cited)
    for mistake in mistakes:
        warn(mistake)
    return FAILED if mistakes else OK
