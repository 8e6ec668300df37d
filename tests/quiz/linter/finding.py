"""What the linter says about one item, or about the bank."""

from __future__ import annotations

from dataclasses import dataclass

from lessons.quiz import Item


@dataclass(frozen=True)
class Finding:
    """rule: the name of the rule that was broken; says: what is wrong and what to do.  item is None for the bank."""

    rule: str
    says: str
    item: Item | None = None

    def __str__(self) -> str:
        where = "the whole quiz bank" if self.item is None else f"topic {self.item.topic}, item {self.item.id}"
        return f"{where}: {self.says} [{self.rule}]"
