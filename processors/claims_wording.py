"""What could be returned of an order, in plain words for the customer and for who speaks with them (R-RET-08, R-AUD-06)."""

from processors.amounts import money
from processors.claims import Claims
from processors.wording import currency_of, day, evaluated, label, moment, reason
from schemas.decisions import ReturnDecided

OPENINGS = {
    "approve": "{units} of line {line}, worth {worth}: can come back until {last}. We take it back at once.",
    "review": "{units} of line {line}, worth {worth}: can be asked for until {last}. Somebody looks at it first.",
    "deny": "Line {line}: cannot come back.",
}
"""A line as its customer hears of it, by the verdict that a request would get."""
SETTLEMENTS = {"refund": "your money back", "store_credit": "credit in our shop", "exchange": "other goods instead"}


def told(claims: Claims) -> list[str]:
    """What the customer may do, line by line, and what they are granted."""
    lines = [f"What you can return of order {claims.order_id}, as of {day(claims.at, claims.policy)}:"]
    for line in claims.lines:
        lines += [_opening(line, claims), *_reasons(line, claims)]
    whole = claims.together
    if whole is None or whole.verdict == "deny":
        return lines
    if whole.verdict == "review" and all(line.verdict != "review" for line in claims.lines):
        lines += ["If you ask for all of it at once, somebody looks at it first.", *_reasons(whole, claims)]
    return [*lines, *_granted(whole)]


def _opening(line: ReturnDecided, claims: Claims) -> str:
    (units,) = line.lines
    last = "" if line.window_ends_at is None else day(line.window_ends_at - 1, claims.policy)
    worth = money(units.amount_minor, currency_of(line, claims.policy))
    opening = OPENINGS[units.verdict].format(units=units.quantity, line=units.line_id, last=last, worth=worth)
    return f"{opening} Asked for by itself it need not come back." if line.keep_goods else opening


def _reasons(decision: ReturnDecided, claims: Claims) -> list[str]:
    failed = [each for each in decision.conditions if not each.holds and not each.name.startswith("tier_at")]
    return [f"  {reason(each, currency_of(decision, claims.policy), claims.policy)}" for each in failed]


def _granted(whole: ReturnDecided) -> list[str]:
    """What goes with the tier; the lane is for agents."""
    choice = " or ".join(SETTLEMENTS.get(each, each.replace("_", " ")) for each in whole.settle_as)
    granted = [
        "You send it back without paying for the parcel." if whole.label_free else "You pay for the parcel.",
        f"You get {choice}.",
    ]
    if whole.exchange_first:
        granted.append("Other goods leave before yours are back.")
    if whole.keep_goods:
        granted.append("You may keep the goods.")
    return granted


def shown(claims: Claims) -> list[str]:
    """What an agent sees: policy, tier, what is granted, and every condition of every line, failed ones included."""
    policy, any_line = claims.policy, claims.lines[0]
    of = "of the order's date" if claims.at_order else "in force now, which is kinder"
    who = f"On {moment(claims.at, policy)}, customer {claims.customer_id} could return of order {claims.order_id}"
    free = "free" if any_line.label_free else "paid by the customer"
    granted = [f"lane {any_line.lane}", f"label {free}", *any_line.settle_as]
    if any_line.exchange_first:
        granted.append("exchange leaves first")
    lines = [f"{who}, under policy {policy.version} {of} as {label(any_line.tier, policy)}:", ", ".join(granted)]
    for line in claims.lines:
        (units,) = line.lines
        lines += _conditions(f"{units.quantity} of line {units.line_id}", line, claims)
    if len(claims.lines) > 1 and claims.together is not None:
        lines += _conditions("all that is left at once", claims.together, claims)
    return lines


def _conditions(what: str, decision: ReturnDecided, claims: Claims) -> list[str]:
    currency = currency_of(decision, claims.policy)
    ends = decision.window_ends_at
    until = "" if ends is None else f", until {day(ends - 1, claims.policy)}"
    queue = f", to {decision.review_queue}" if decision.review_queue else ""
    kept = ", goods need not come back" if decision.keep_goods else ""
    opening = f"{what}: {decision.verdict}{queue}{until}, {money(decision.amount_minor, currency)}{kept}"
    return [opening, *(f"  {evaluated(each, currency, claims.policy)}" for each in decision.conditions)]
