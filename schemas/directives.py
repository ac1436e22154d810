"""What people decided for the programme as a whole: the commands that its own subject orders (D5).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from schemas.fields import Document, Id, Millis, Sealed, Word
from schemas.source import SourceEvent

PROGRAMME = "programme"
"""The one subject that orders what concerns everybody (D5)."""


class Directive(SourceEvent, frozen=True, kw_only=True):
    """What every command for the programme carries: who, in which role, and why (R-AUD-04)."""

    author_id: Id
    role: Word
    reason: Word
    note_sealed: Sealed = b""

    @property
    def subject(self) -> str:
        """The programme."""
        return PROGRAMME


class PolicyPublished(Directive, frozen=True, kw_only=True):
    version: Id
    effective_at: Millis | None = None
    document: Document


class PolicyWithdrawn(Directive, frozen=True, kw_only=True):
    version: Id


ForEverybody = PolicyPublished | PolicyWithdrawn
