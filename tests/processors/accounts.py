"""What must hold of an account of points, of one id or of several."""

from processors.statement import Statement


def conserved(found: Statement) -> None:
    """earned = spent + expired + clawed back + taken + available + pending + reserved - deficit, to the unit."""
    wallet, lots = found.wallet, [lot for _, lot in found.lots]
    gone = sum(lot.spent + lot.expired + lot.clawed_back + lot.taken for lot in lots)
    stands = wallet.available + wallet.pending + wallet.reserved
    assert sum(lot.earned for lot in lots) == gone + stands - wallet.deficit
    assert all(lot.left >= 0 for lot in lots)
    assert min(wallet.available, wallet.pending, wallet.reserved, wallet.deficit) >= 0
    assert found.accurate, (found.wallet, found.recounted)
