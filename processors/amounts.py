"""Amounts of money as people read them: minor units stay integers, and each currency has its digits (ISO 4217)."""

from collections.abc import Mapping

DIGITS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""How many digits of an amount are minor units, by ISO 4217; two where nothing is said."""


def amount(minor: int, currency: str) -> str:
    """A number of a currency's major units for people: "1,234.50"."""
    digits = DIGITS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole:,}" + (f".{rest:0{digits}d}" if digits else "")


def money(minor: int, currency: str) -> str:
    """An amount with its currency."""
    return f"{amount(minor, currency)} {currency}"
