"""The policy's part on service that holds for everybody: the longest wait, when somebody works, who answers for promises."""

from msgspec import Struct

from processors.business_hours import Calendar
from processors.policy_fields import Minutes, Name


class Accountable(Struct, frozen=True, forbid_unknown_fields=True):
    """Which function answers for a promise that a decision makes: to answer and settle, to pick, to review (R-RTE-06)."""

    contact: Name = "contact-centre"
    picking: Name = "fulfilment"
    review: Name = "returns"


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for all contacts: nobody waits longer than `longest_wait_minutes` behind others; when somebody works.

    `accountable` is who answers for what is promised.
    """

    longest_wait_minutes: Minutes = 525_600
    calendars: dict[Name, Calendar] = {}
    accountable: Accountable = Accountable()
