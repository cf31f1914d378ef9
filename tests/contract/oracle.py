"""The naive way to answer: every record is looked at, and Python says whether it is in the answer."""

from __future__ import annotations

import functools
from typing import Any

from catalog.access.policy import ScopeFacts, decide, is_insider
from catalog.questions.question import (
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Exists,
    Identified,
    InScope,
    Linked,
    Measured,
    Not,
    OfRecord,
    Or,
    Question,
)
from catalog.questions.reader import Reader
from tests.contract.small_catalogue import NOW, Plain, Small


class Oracle:
    """What one reader may see of a small catalogue."""

    def __init__(self, catalogue: Small, reader: Reader) -> None:
        self.records = catalogue.by_id
        self.scopes: dict[str, ScopeFacts] = catalogue.by_scope
        self.reader = reader

    def readable(self, record: Plain) -> bool:
        return decide("read", self.scopes[record.scope], self.reader, NOW)

    def inside(self, record: Plain) -> bool:
        return is_insider(self.scopes[record.scope], self.reader)

    def linkable(self, id: str) -> bool:
        record = self.records.get(id)
        return record is not None and record.status == "public" and self.readable(record)

    def listed(self, record: Plain, statuses: tuple[str, ...]) -> bool:
        if record.status not in statuses:
            return False
        seen = self.readable(record) if record.status == "public" else self.inside(record)
        return seen and not (record.merged_into and self.linkable(record.merged_into))

    def by_id(self, record: Plain) -> bool:
        if self.inside(record):
            return True
        return record.status in ("public", "suppressed", "withdrawn") and self.readable(record)

    def find(self, question: Question) -> list[str]:
        found = [
            record
            for record in self.records.values()
            if self.listed(record, question.statuses)
            and (not question.kinds or record.kind in question.kinds)
            and (question.where is None or self.holds(question.where, record))
        ]
        found.sort(key=lambda record: record.id)
        for order in reversed(question.order):
            valued = [record for record in found if self.value(record, order.by, order.language) is not None]
            rest = [record for record in found if self.value(record, order.by, order.language) is None]
            valued.sort(
                key=functools.partial(self._key, by=order.by, language=order.language), reverse=order.descending
            )
            if order.descending:
                # A reversed sort keeps equals as they were; nothing more to do.
                pass
            found = valued + rest
        return [record.id for record in found]

    def _key(self, record: Plain, *, by: str, language: str | None) -> Any:
        value = self.value(record, by, language)
        return value.encode() if isinstance(value, str) else value

    def value(self, record: Plain, by: str, language: str | None = None) -> Any:
        match by:
            case "id":
                return record.id
            case "created":
                return record.created
            case "modified":
                return record.modified
            case "collectedAt":
                return record.collected[0] if self.mirrored(record) and record.collected else None
        return self.field(record, by, language)

    def mirrored(self, record: Plain) -> bool:
        return record.status != "quarantined"

    def field(self, record: Plain, name: str, language: str | None = None) -> Any:
        if not self.mirrored(record):
            return None
        value = record.body.get(name)
        if name == "title":
            first, second = (language, "ja" if language == "en" else "en") if language else ("en", "ja")
            return value.get(first) or value.get(second) or next(iter(value.values()))
        return value

    def links(self, record: Plain) -> tuple[Any, ...]:
        return record.links if self.mirrored(record) else ()

    def holds(self, asked: Condition, record: Plain) -> bool:
        match asked:
            case And(parts):
                return all(self.holds(part, record) for part in parts)
            case Or(parts):
                return any(self.holds(part, record) for part in parts)
            case Not(part):
                return not self.holds(part, record)
            case Compare("language" | "keywords" as name, operator, value):
                return any(_compared(item, operator, value) for item in self.field(record, name) or ())
            case Compare(name, operator, value, language):
                return _compared(self.field(record, name, language), operator, value)
            case Exists("amount"):
                return self.mirrored(record) and any(field == "amount" for field, *_ in record.quantities)
            case Exists(name) if name in ("derivedFrom", "samples", "seeAlso"):
                return self.holds(Linked(name), record)
            case Exists(name):
                return self.field(record, name) is not None
            case Dated(_, relation, start, end):
                if not self.mirrored(record) or record.collected is None:
                    return False
                begins, ends = record.collected
                if relation == "overlaps":
                    return (end is None or begins < end) and (start is None or ends > start)
                return ends <= (start or "") if relation == "before" else begins >= (end or "")
            case OfRecord(attribute, operator, value):
                own = {
                    "id": record.id,
                    "source": record.source,
                    "localId": record.local,
                    "profile": None,
                    "created": record.created,
                    "modified": record.modified,
                }[attribute]
                return _compared(own, operator, value)
            case InScope(scope, below):
                return scope in self.scopes[record.scope].path if below else record.scope == scope
            case Linked():
                return self._linked(asked, record)
            case Measured(name, place, low, high, kinds):
                return self.mirrored(record) and any(
                    {
                        "field": field == name and called is None,
                        "condition": field == "conditions" and called == name,
                        "attribute": field == "attributes" and called == name,
                        "anywhere": field in ("conditions", "attributes") and called == name,
                    }[place]
                    and (high is None or smallest <= high)
                    and (low is None or largest >= low)
                    and (not kinds or kind in kinds)
                    for field, called, smallest, largest, kind in record.quantities
                )
            case Attributed(name, operator, value, term):
                return self.mirrored(record) and any(
                    called == name
                    and (operator == "exists" or (held is not None and _compared(held, operator, value)))
                    and (term is None or term == of_term)
                    for called, held, of_term in record.attributes
                )
            case Identified(value, scheme):
                return self.mirrored(record) and any(
                    held == value and (scheme is None or scheme == of) for of, held in record.identifiers
                )
        raise AssertionError(asked)

    def _linked(self, asked: Linked, record: Plain) -> bool:
        if asked.direction == "out":
            ends = [(link, link.to) for link in self.links(record)]
        else:
            ends = [
                (link, other.id)
                for other in self.records.values()
                for link in self.links(other)
                if link.to == record.id
            ]
        for link, end in ends:
            if asked.field is not None and link.field != asked.field:
                continue
            if asked.role is not None and link.role != asked.role:
                continue
            if asked.targets and end not in asked.targets:
                continue
            outside = ":" in end
            if not outside and not self.linkable(end):
                continue
            if outside and (asked.where is not None or asked.kinds):
                continue
            if asked.kinds and self.records[end].kind not in asked.kinds:
                continue
            if asked.where is not None and not self.holds(asked.where, self.records[end]):
                continue
            return True
        return False


def _compared(own: Any, operator: str, value: Any) -> bool:
    if own is None:
        return False
    if operator == "in":
        return own in value
    if operator == "eq":
        return bool(own == value)
    if operator == "ne":
        return bool(own != value)
    if isinstance(own, str):
        own, value = own.encode(), value.encode()
        if operator == "prefix":
            return own.startswith(value)
    return {"lt": own < value, "le": own <= value, "gt": own > value, "ge": own >= value}[operator]
