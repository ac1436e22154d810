"""`laurel designate`: what a manager does at a console, from the command line; each waits for its answer."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from streams.clock import now_ms
from streams.console import BAD_INPUT, FAILED, OK, Instant, Json, emit, fail, out
from streams.settings import Settings

app = App(
    name="designate",
    help="Make a customer a VIP, change or remove that, or judge what rules propose; waits for the answer.\n\n"
    "Example: laurel designate add c-4711 --tier gold --reason influencer --author p-12",
)


@Parameter(name="*")
@dataclass(frozen=True)
class Who:
    """Who decides, and how the answer is told.

    Parameters
    ----------
    author
        Pseudonymous id of whoever decides.
    reason
        One of the policy's reasons.
    role
        In which they decide, a name of the policy's matrix.
    wait_s
        How long to wait for the answer.
    as_json
        For programs.
    """

    author: str
    reason: str
    role: str = "manager"
    wait_s: float = 60
    as_json: Json = False


@Parameter(name="*")
@dataclass(frozen=True)
class Wish:
    """What a designation gives.

    Parameters
    ----------
    tier
        Its name in the policy.
    ends
        The first instant at which it holds no more.
    review
        When somebody looks at it again; without an end as well, after the policy's days.
    benefits
        A benefit beside those of the tier; may be given more than once.
    without
        A benefit of the tier that is left out; may be given more than once.
    """

    tier: str
    ends: Instant | None = None
    review: Instant | None = None
    benefits: Annotated[tuple[str, ...], Parameter(name="--benefit")] = ()
    without: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """As the contracts call them."""
        return {
            "tier": self.tier,
            "ends_at": self.ends,
            "review_at": self.review,
            "benefits": self.benefits,
            "without": self.without,
        }


@app.command
def add(
    customer_id: str, /, *, wish: Wish, who: Who, designation: str | None = None, starts: Instant | None = None
) -> int:
    """Give a customer a tier, for a time; exit code 1 if it was refused.

    Example: laurel designate add c-4711 --tier gold --reason influencer --author p-12 --ends 2027-01-01

    Parameters
    ----------
    customer_id
        The pseudonymous id that events carry.
    designation
        An id for it that was never used; a new one where none is given.
    starts
        From when it holds; now where nothing is given.
    """
    from streams.asking import new_id

    about = {"designation_id": designation or new_id(), "starts_at": now_ms() if starts is None else starts}
    return _ask("DesignationAdded", customer_id, who, wish.fields() | about)


@app.command
def change(customer_id: str, designation: str, /, *, seen: int, wish: Wish, who: Who) -> int:
    """Change a designation to what is said here; exit code 1 if it was refused.

    An end that is over ends it at once, and the tier of the rules holds.

    Example: laurel designate change c-4711 d-1 --seen 1 --tier platinum --reason review --author p-12 --ends 2027-06-01

    Parameters
    ----------
    customer_id
        The pseudonymous id that events carry.
    designation
        Its id; the customer's profile shows it.
    seen
        Its version as whoever decides saw it.
    """
    about = {"designation_id": designation, "seen_version": seen}
    return _ask("DesignationChanged", customer_id, who, wish.fields() | about)


@app.command
def remove(
    customer_id: str,
    designation: str | None = None,
    /,
    *,
    who: Who,
    seen: int | None = None,
    benefits_end: bool = False,
    confirm: bool = False,
) -> int:
    """Take the VIP status away; rules do not give it back for a while. Exit code 1 if it was refused.

    Example: laurel designate remove c-4711 d-1 --seen 2 --reason moved_to_competitor --author p-12 --confirm

    Parameters
    ----------
    customer_id
        The pseudonymous id that events carry.
    designation
        Its id; none where automatic rules gave the tier.
    seen
        The designation's version as whoever decides saw it.
    benefits_end
        Whether single benefits end with it.
    confirm
        Without it nothing is published.
    """
    if not confirm:
        return fail(f"{customer_id} would lose the VIP status; --confirm does it", BAD_INPUT)
    about = {"designation_id": designation, "seen_version": seen, "benefits_end": benefits_end}
    return _ask("DesignationRemoved", customer_id, who, about | {"confirmed_at": now_ms()})


@app.command
def review(customer_id: str, verdict: Literal["approved", "refused"], /, *, tier: str, who: Who) -> int:
    """Approve or refuse the tier that a customer qualifies for; exit code 1 if that was refused itself.

    Example: laurel designate review c-4711 approved --tier gold --reason review --author p-12

    Parameters
    ----------
    customer_id
        The pseudonymous id that events carry.
    verdict
        On the tier.
    tier
        The one that was proposed.
    """
    return _ask("QualificationReviewed", customer_id, who, {"tier": tier, "verdict": verdict})


def _ask(kind: str, customer_id: str, who: Who, about: dict[str, Any]) -> int:
    """Publish the command and print its answer: one sentence, and the conditions that failed."""
    from processors.wording import explain
    from schemas.codec import Rejected, from_json, to_json
    from streams import asking, standing

    command = from_json(
        {"type": kind, "event_id": asking.new_id(), "customer_id": customer_id, "occurred_at": now_ms()}
        | {"author_id": who.author, "role": who.role, "reason": who.reason}
        | about
    )
    if isinstance(command, Rejected):
        return fail(command.detail, BAD_INPUT)
    settings = Settings()
    partition, answer = asking.ask(settings, command, who.wait_s)
    policy = None if who.as_json else standing.activated(settings, partition, answer.policy_version, lambda _: None)
    if policy is None:
        emit(to_json(answer))
    else:
        said, _, *conditions = explain(answer, policy, "agent")
        for line in (said, *(each for each in conditions if each.startswith("no "))):
            out().print(line)
    return OK if answer.verdict == "accepted" else FAILED
