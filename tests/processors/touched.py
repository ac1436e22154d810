"""Rows that count how often they are read and written: what a step costs, in looks rather than in seconds (D8)."""

from typing import Any

from state.overlay import Overlay


class Counting(Overlay):
    """Rows that count what is read and written."""

    touched = 0

    def get(self, table: Any, *key: str) -> Any:
        self.touched += 1
        return super().get(table, *key)

    def put(self, table: Any, row: Any, *key: str) -> None:
        self.touched += 1
        super().put(table, row, *key)

    def delete(self, table: Any, *key: str) -> None:
        self.touched += 1
        super().delete(table, *key)

    def first(self, table: Any, limit: int, below: str | None = None, above: str | None = None) -> Any:
        found = super().first(table, limit, below, above)
        self.touched += len(found)
        return found
