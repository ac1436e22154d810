"""Interactions: whom a customer refers, what they answer, and when they visit, speak or complain (R-CUST-02, R-CUST-08, R-CUST-09)."""

from msgspec import Struct
from msgspec.structs import replace

from processors.activity import Activity
from processors.local_time import date_of
from processors.policy import Policy
from processors.rows import Rows, Table
from processors.span import told
from schemas.events import ContactOpened, CustomerReferred, CustomerVisited, ReturnDisputed, SurveyAnswered

InteractionEvent = CustomerReferred | CustomerVisited | SurveyAnswered | ContactOpened | ReturnDisputed


class Counted(Struct, frozen=True, array_like=True):
    """Something that counts once was told of; `at` is when it happened."""

    at: int


COUNTED = Table(
    "counted", b"r", Counted, "what counts once: referrals, complaints and answers, by customer, kind and id"
)


def tell(rows: Rows, customer_id: str, activity: Activity, event: InteractionEvent, policy: Policy) -> Activity:
    """The activity with one more event; `policy` is the one in force when it happened."""

    def first(*about: str) -> bool:
        """Whether this is told for the first time; from then on it is known, for ever (T-15)."""
        if rows.get(COUNTED, customer_id, *about):
            return False
        rows.put(COUNTED, Counted(event.occurred_at), customer_id, *about)
        return True

    match event:
        case CustomerReferred(referred_customer_id=referred):
            # Who refers themselves has referred nobody.
            return replace(
                activity, referrals=activity.referrals + (referred != customer_id and first("referral", referred))
            )
        case ReturnDisputed():
            return replace(activity, complaints=activity.complaints + first("complaint", "return", event.return_id))
    day = date_of(event.occurred_at, policy.time_zone).toordinal()
    activity = replace(activity, days=told(activity.days, day))
    match event:
        case SurveyAnswered():
            new = first("answer", event.survey_id, event.question_id)
            return replace(activity, answers=activity.answers + new)
        case ContactOpened() if event.topic in policy.complaint_topics:
            return replace(activity, complaints=activity.complaints + first("complaint", "case", event.case_id))
        case _:
            return activity
