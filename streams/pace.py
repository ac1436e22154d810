"""How many records a batch takes: no more than are folded and committed while others can wait.

While a batch is in hand its worker gives no partition back: who takes one over waits for it, as does who asks the worker to
end. And what interrupts it is folded again from its beginning. Where records are dear, as on a machine that has other
work to do, the setting `batch_size` alone would make that many seconds.
"""

LONGEST_S = 1.0
"""What a batch is to take. A commit is a fiftieth of it, so longer ones would bring next to nothing."""
FEWEST = 50


class Pace:
    """The limit of one stage's batches, as the last ones tell; `most` is what it may be at best."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most

    def took(self, records: int, seconds: float) -> None:
        """A batch of so many records took so long, with its commit."""
        if seconds > LONGEST_S:
            self.limit = min(self._most, max(FEWEST, int(records * LONGEST_S / seconds)))
        elif records >= self.limit:
            # Whoever was interrupted, and not slow, is soon where he was.
            self.limit = min(self._most, 2 * self.limit)
