"""Every topic of laurel, as data: who writes it, what it carries, how the broker keeps it (D14).

Names here are bare; a running system puts its namespace before them.
"""

from dataclasses import dataclass, field
from typing import Literal

from schemas import commands as c
from schemas import decisions as d
from schemas import directives as x
from schemas import discrepancies as y
from schemas import events as e
from schemas import launches as n
from schemas import ledger as g
from schemas import messages as m
from schemas import rewards as r
from schemas.profiles import CustomerProfile

Writer = Literal["upstream", "keyholders", "intake", "customers", "operators", "workers"]
AGENTS = ("intake", "customers")
"""Of the writers, those that fold; each has a group and transactions of its own."""

SOURCE_BYTES = 1_048_588
"""Kafka's default limit of a record batch; sources keep it."""
LARGER_BYTES = 2_097_176
"""Limit of topics that carry a source's record with headers of ours on top, or several of its parts."""
FOREVER = {"retention.ms": "-1", "retention.bytes": "-1"}
SOURCE = FOREVER | {"max.message.bytes": str(SOURCE_BYTES)}
COPY = FOREVER | {"max.message.bytes": str(LARGER_BYTES), "message.timestamp.after.max.ms": str(2**63 - 1)}
"""Topics that carry others' records on: whatever a source's broker took, with whatever stamp, fits."""
COMPACTED = {"cleanup.policy": "compact"}
DAY_MS = 86_400_000
WEEK_MS = 604_800_000


@dataclass(frozen=True)
class Topic:
    """One topic. `types` is what its records may be; `aligned` topics have as many partitions as `timeline`."""

    name: str
    writer: Writer
    about: str
    types: tuple[type, ...] = ()
    aligned: bool = True
    partitions: int | None = None
    config: dict[str, str] = field(default_factory=dict)


TOPICS = (
    # sources: aligned by default, but upstream systems may choose their own number of partitions
    Topic("orders", "upstream", "orders and subscriptions, and what becomes of them",
          (e.OrderPlaced, e.OrderShipped, e.OrderDelayed, e.OrderFailed, e.OrderDelivered, e.OrderCancelled,
           e.OrderRefunded, e.SubscriptionStarted, e.SubscriptionChanged, e.SubscriptionPaused,
           e.SubscriptionResumed, e.SubscriptionCancelled), aligned=False, config=SOURCE),
    Topic("returns", "upstream", "goods sent back, from the request to its settlement",
          (e.ReturnRequested, e.ReturnReceived, e.ReturnInspected, c.ReturnReviewed, e.ReturnDisputed,
           e.ReturnSettled, c.ReturnWindowExtended), aligned=False, config=SOURCE),
    Topic("interactions", "upstream", "registrations, visits, answers and requests of customers, and which status other systems hold of them",
          (e.CustomerRegistered, e.CustomerReferred, e.CustomerVisited, e.SurveyAnswered, e.ConsentChanged,
           e.IdsLinked, e.IdsUnlinked, e.RewardRequested, e.RewardFulfilled, e.RewardCancelled, e.SubstituteAnswered,
           e.StatusReported),
          aligned=False, config=SOURCE),
    Topic("support", "upstream", "contacts with the contact centre",
          (e.ContactOpened, e.ContactWaiting, e.ContactAssigned, e.ContactPaused, e.ContactResumed, e.ContactResolved,
           e.ContactReopened, e.ContactEscalated), aligned=False, config=SOURCE),
    Topic("operations", "upstream", "commands of people",
          (c.DesignationAdded, c.DesignationChanged, c.DesignationRemoved, c.QualificationReviewed,
           c.OutreachRecorded, c.NoteAdded, c.TagsChanged, c.LabelIconChanged, c.BenefitDelivered,
           c.PointsAdjusted, c.CompensationGranted, c.CompensationReviewed, c.PersonalTextErased, x.PolicyPublished, x.PolicyWithdrawn,
           r.RewardStocked),
          aligned=False, config=SOURCE),
    Topic("redrives", "operators", "dead letters sent again", (), aligned=False, config=COPY),
    # between subjects, and the book of record
    Topic("messages", "customers", "what one subject tells another", (e.PolicyActivated, e.RulesChanged, e.WorkRemains, m.PartitionCounted,
           m.LinkHeard, m.MoveOffered, m.MoveDeclined, m.RowsMoved, m.EventPassed, m.GoodwillAsked, m.GoodwillAnswered, m.UnitsAsked, m.UnitsAnswered, m.UnitsEnded),
          config=COPY),
    Topic("timeline", "intake", "the book of record, totally ordered within a partition", config=COPY),
    Topic("dead-letters", "intake", "source records that could not be taken, with reason and origin", config=COPY),
    # decisions
    Topic("tier-changes", "customers", "rises and falls of tier, proposals of them, what designations come to, and the share of VIPs",
          (d.TierChanged, d.QualificationProposed, d.DesignationReached, d.VipShareJudged), config=FOREVER),
    Topic("return-decisions", "customers", "verdicts on returns, and stock that may move after them", (d.ReturnDecided, d.StockReleased), config=FOREVER),
    Topic("priority-routing", "customers", "queue, priority and targets of contacts, and how they went", (d.ContactRouted, d.EscalationDue, d.ContactClosed), config=FOREVER),
    Topic("points", "customers", "every movement of points with the balance after it, and answers to requests for rewards",
          (g.PointsMoved, g.RewardAnswered), config=FOREVER),
    Topic("rewards", "customers", "the stock of each reward: every movement with what is left, and when more should be ordered",
          (r.RewardStockMoved, r.ReplenishmentDue), config=FOREVER),
    Topic("at-risk-alerts", "customers", "VIPs who fell silent or left, and what became of them",
          (d.AtRiskRaised, d.AtRiskRetracted, d.AtRiskEscalated, d.AtRiskClosed, d.WinBackStarted, d.WinBackClosed),
          config=FOREVER),
    Topic("launches", "customers", "who may buy what is launched before everybody else, and who bought it",
          (n.EarlyAccessOpened, n.LaunchBought), config=FOREVER),
    Topic("fulfilment", "customers", "how each order is picked and packed, until it is dispatched", (d.OrderFlagged,), config=FOREVER),
    Topic("recovery", "customers", "what makes good what went wrong: by rule, and as people grant it",
          (d.RecoveryDecided, d.CompensationDecided), config=FOREVER),
    Topic("notification-requests", "customers", "what customers should be told, once each, until it expires",
          (d.NotificationRequested,), config=FOREVER),
    Topic("command-answers", "customers", "whether commands of people were done, or why not", (d.CommandAnswered,),
          config=FOREVER),
    Topic("discrepancies", "customers", "other systems that hold another status than laurel for too long",
          (y.DiscrepancyFound, y.DiscrepancyResolved), config=FOREVER),
    Topic("quarantined", "customers", "records that the fold would not apply", (d.Quarantined,),
          config=FOREVER | {"max.message.bytes": str(LARGER_BYTES)}),
    Topic("customer-profiles", "customers", "each customer as other systems need to know them", (CustomerProfile,),
          config=COMPACTED),
    # the engine's own
    Topic("customer-state", "customers", "changelog of the tables",
          config=COMPACTED | {"delete.retention.ms": str(WEEK_MS), "max.message.bytes": str(LARGER_BYTES)}),
    Topic("workers", "workers", "who runs, and the broker's clock", aligned=False, partitions=1,
          config=COMPACTED | {"message.timestamp.type": "LogAppendTime"}),
    # One partition: each day's key lets the broker close a segment, so that compaction reaches what was deleted before.
    Topic("keys", "keyholders", "keys that personal text is sealed under; deleting one erases what it sealed",
          aligned=False, partitions=1, config=COMPACTED | {"max.compaction.lag.ms": str(DAY_MS)}),
    Topic("skips", "operators", "units that every fold leaves out", aligned=False, partitions=1, config=COMPACTED),
)  # fmt: skip

BY_NAME = {topic.name: topic for topic in TOPICS}
SOURCES = ("orders", "returns", "interactions", "support", "operations", "redrives")
INTAKE = (*SOURCES, "messages")
"""What intake reads: the sources, and what subjects tell each other."""
TOPIC_OF = {kind: topic.name for topic in TOPICS for kind in topic.types}
"""Where a record of a type is published; a type has one topic."""
PUBLISHED = tuple(
    topic.name for topic in TOPICS if topic.writer == "customers" and topic.types and topic.name not in INTAKE
)
"""What laurel publishes for others: decisions, profiles, and what it would not apply."""
PUBLIC = tuple(topic for topic in TOPICS if topic.types and (topic.writer == "upstream" or topic.name in PUBLISHED))
"""What others write for laurel, and what laurel writes for others."""
