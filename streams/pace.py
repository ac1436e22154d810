"""How many records a batch takes: no more than are folded while others can wait.

While a batch is in hand its worker gives no partition back: who takes one over waits for it, as does who asks the worker to
end. Where records are dear, as on a machine that has other work to do, the setting `batch_size` alone would make that many
seconds. Intake takes what its merge releases; there, where a record costs a tenth, this limits what is read.
"""

SHORT_S, LONG_S = 1.0, 3.0
"""How long a batch is to be folded at most, where commits are quick, and where they are slow."""
COMMITS = 3
"""A fold may take so many times what its commit takes: else a slow broker would be asked for nothing but commits."""
FEWEST = 50


class Pace:
    """The limit of one stage's batches, as the last ones tell; `most` is what it may be at best."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most

    def took(self, records: int, folding_s: float, committing_s: float) -> None:
        """So many records were folded in such a time, and committed in such another."""
        allowed_s = min(LONG_S, max(SHORT_S, COMMITS * committing_s))
        if folding_s > allowed_s or records >= self.limit:
            # Whoever was interrupted, and is not slow, is soon where he was.
            bearable = int(min(self._most, records * allowed_s / max(folding_s, 1e-9)))
            self.limit = min(self._most, max(FEWEST, min(bearable, 2 * self.limit)))
