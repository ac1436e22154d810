"""Types that fields of the policy share, with the bounds that make a value plausible."""

from typing import Annotated

from msgspec import Meta

Days = Annotated[int, Meta(ge=0, le=3650)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]
"""A tier's, queue's or benefit's id: what decisions carry. What people read is the label."""
