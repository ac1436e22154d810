"""Words for what people decide: conditions as agents and as customers read them, and what a decision came to."""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "role": "role in which the command was given",
    "designation": "designation of the customer",
    "designation_state": "state of the designation",
    "seen_version": "version of the designation that the author saw",
    "id_used_before": "a designation of this id is over",
    "tier_designated": "tier that a person gives",
    "designated_from_at": "designated from",
    "designated_until_at": "designated until",
    "review_at": "to be reviewed on",
    "ends_at": "designation ends on",
    "confirmed_at": "confirmed on",
    "vip": "is a VIP",
    "single_benefits_in_use": "single benefits that must end first",
    "tier_to_review": "tier that only a person's word is missing for",
    "approval": "approval by a person",
    "automatic_rules": "automatic rules",
    "icon_printed": "VIP icon on this customer's labels",
    "automatic_again_at": "automatic rules hold again after a removal from",
}
"""What a condition is about."""
REASONS: Mapping[str, tuple[str, str]] = {
    "automatic_again_at": ("What you bought counts towards it again.", "We took it back."),
    "automatic_rules": ("", "Nobody gets it for purchases alone."),
    "approval": ("We agreed to it.", "We have not agreed to it."),
    "designated_until_at": ("We gave it to you until {last}.", "We had given it to you until {last}."),
}
"""A condition as its customer hears of it where it holds, and where it fails."""
STAGES: Mapping[str, str] = {
    "active": "began; it ends on",
    "review_due": "is to be reviewed; unreviewed it ends on",
    "expired": "is over since",
}
"""What a designation has come to, before a day."""
BY: Mapping[str, str] = {
    "designated": ": a person decided so",
    "removed": ": a person took the status away",
    "expired": ": what a person gave is over",
    "cancelled": ": they left",
    "linked": ": two ids turned out to be this one customer",
    "unlinked": ": ids turned out to be of different customers",
}
"""Why a tier changed, where it was not the rules alone."""
WHY_DIFFERENT: Mapping[str, str] = {
    "silent": ", and that system has said nothing since the tier changed",
    "behind": ", and that system does not know of the change",
    "differs": ", although that system could know better",
}
"""Why another system holds another status."""
WHY_OVER: Mapping[str, str] = {
    "reported": ", until that system reported the same",
    "changed": ", until the tier became the same",
    "not_compared": ", until the programme compared it no more",
}
"""Why it does so no more."""
DONE: Mapping[str, str] = {"accepted": "was done", "refused": "was refused"}
"""What became of a command."""

TIMERS: Mapping[str, str] = {
    "tenure": "an anniversary",
    "grace": "the end of the days of grace",
    "lapse": "the end of the days for which a tier is kept after a cancellation",
    "at_risk": "a silence",
    "escalation": "a case that was not settled",
    "follow_up": "the end of the time to follow up",
    "horizon": "the end of the time in which an order counts as staying",
    "reminder": "a reminder after a cancellation",
    "anniversary": "an anniversary",
    "birthday": "a month of birth",
    "launch": "the head start of a tier on a launch",
    "designation": "a date of what a person decided",
    "windows": "a month or a day that is looked at no more",
    "stage": "a stage of the customer's journey",
    "discrepancy": "a status that another system holds otherwise",
    "doubt": "the end of a doubt about the status",
    "maturity": "the end of a time to return goods",
    "points_expiry": "points that were not spent in time",
    "reservation": "a reward that was not handed over, or an offer not taken, in time",
}
"""Why time alone decided, by the kind of timer."""
