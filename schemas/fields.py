"""Field types that the contracts share, with the bounds that make a value plausible.

A bound that fails becomes a dead letter whose reason follows from the field's name: see `schemas.codec`.
"""

from typing import Annotated, Literal

from msgspec import Meta

EARLIEST_MS = 631_152_000_000
"""1990-01-01 UTC. Nothing a programme replays is older; 1970 is what a missing date looks like (T-19)."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01 UTC."""
LARGEST_MINOR = 10**15
"""Ten thousand billion in most currencies: above it a unit was mistaken, and below it sums stay in 64 bits."""

Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^#\x00-\x1f][^\x00-\x1f]*\Z")]
"""A pseudonymous id. `#` opens reserved subjects (D6), control characters separate the parts of row keys.

The pattern ends with `\\Z`: `$` also holds before a newline at the end.
"""
Millis = Annotated[int, Meta(ge=EARLIEST_MS, le=LATEST_MS)]
"""An instant, milliseconds since 1970 UTC."""
Minor = Annotated[int, Meta(ge=0, le=LARGEST_MINOR)]
"""An amount of money in minor units (T-01)."""
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
SomeUnits = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Points = Annotated[int, Meta(ge=-(10**12), le=10**12)]
Month = Annotated[int, Meta(ge=1, le=12)]
Score = Annotated[int, Meta(ge=0, le=10)]
Version = Annotated[int, Meta(ge=1, le=10**9)]
"""Of what people edit: 1 at first, and one more with each edit."""
Sequence = Annotated[int, Meta(ge=0, le=10**12)]
"""A number of a customer's decisions; 0 is none yet."""
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^#\x00-\x1f][^\x00-\x1f]*\Z")]
"""A name for programs, as a reason, a channel or a benefit: of the programme or of the upstream system, never free text."""
SEALED_BYTES = 65_536
Sealed = Annotated[bytes, Meta(max_length=SEALED_BYTES)]
"""Free text under its person's key (D11, `schemas.sealing`): the fold never opens it. Empty is no text."""
Document = Annotated[str, Meta(min_length=1, max_length=200_000)]
"""A policy as JSON. However its letters are encoded, it fits into a record of Kafka's default limit, and its row too."""
RatePpm = Annotated[int, Meta(ge=1, le=10**12)]

Currency = Literal[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CUP",
    "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP",
    "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD",
    "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD",
    "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN",
    "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB",
    "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SYP", "SZL", "THB",
    "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND",
    "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
]  # fmt: skip
"""ISO 4217 codes in use for payments."""
