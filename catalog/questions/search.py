"""What may be asked of the search index, and what it answers, as values.

A search is a text beside a question: the question's kinds and conditions choose the records exactly as a list would;
the text finds and ranks among them. The reader goes beside both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, Final, Literal

import orjson

from catalog.questions.question import Order, Question, Scalar, Selection

LONGEST_TEXT = 2_000  # characters of a query that are looked at; a longer one is refused
MOST_WORDS = 64
MOST_HITS = 100  # on a page
DEEPEST_HIT = 10_000
MOST_FACETS = 20
MOST_FACET_VALUES = 100
MOST_BINS = 500
LONGEST_PREFIX = 200
MOST_SUGGESTIONS = 20
CURSOR_SECONDS = 300

Interval = Literal["year", "month", "day"]
# A text by language as one text, in the language of whoever asks.
Say = Callable[[Mapping[str, str]], str]
# What every search can be counted by, whatever the kinds; beside these, fields that their kind marks as facets.
RECORD_FACETS = ("kind", "source", "profile")
# What hits can be ordered by besides relevance and the kinds' sortable fields.
RECORD_ORDERS = ("id", "created", "modified")


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the hits spread over a date or a quantity.

    A date field (or `created`, `modified`) is counted by `interval`, or between `edges` (ISO dates, ascending). A
    quantity (a field's, a condition's or an attribute's name) is counted in `bins` of equal width between the least and
    greatest value that was found, or between `edges`, both in `unit`.
    """

    field: str
    interval: Interval | None = None
    edges: tuple[str, ...] | tuple[float, ...] = ()
    bins: int = 20
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Between what the hits lie by a date (or `created`, `modified`) or a quantity, told in `unit`; without one in SI."""

    field: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """What is searched for, among which records, and what is told beside the hits.

    `question` gives kinds and conditions, and with its selection what is told of each hit; its order, page and count
    are not looked at. Without `order` the best match comes first (without a text: what changed last).
    """

    text: str = ""
    question: Question = part(default_factory=lambda: Question(selection=Selection(body=True)))
    facets: tuple[str, ...] = ()
    facet_values: int = 20
    histograms: tuple[Histogram, ...] = ()
    ranges: tuple[Range, ...] = ()
    order: tuple[Order, ...] = ()
    first: int = 20
    after: str | None = None  # the cursor that the page before gave as `next`
    highlight: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text, and whether it is what was searched for."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Highlight:
    """Where in a hit the text was found: a piece of a field in one language, cut to a readable length."""

    field: str
    language: str | None
    pieces: tuple[Piece, ...]

    def document(self) -> dict[str, Any]:
        """The place as it is answered: pieces of text, so that nothing of a record can be taken for markup."""
        pieces = [{"text": piece.text, "marked": piece.marked} for piece in self.pieces]
        return {"field": self.field, "language": self.language, "pieces": pieces}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a hit was found: words in a field, one of its identifiers, a term in a field that `said` names or that is below such
    a one; or something that its own text does not hold (`elsewhere`: a linked record's title, a name of an attribute)."""

    what: Literal["words", "identifier", "term", "elsewhere"]
    field: str | None = None
    said: str | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found. `record` is its JSON text, as lists answer it with the question's selection."""

    id: str
    kind: str
    title: Mapping[str, str]
    score: float | None  # None where the hits are ordered by something else
    highlights: tuple[Highlight, ...]
    record: str
    reasons: tuple[Reason, ...] = ()  # told where highlights are

    def text(self) -> str:
        """The hit as it is answered: the record as lists tell it, and what the search knows beside."""
        more = {
            "title": dict(self.title),
            "score": self.score,
            "highlights": [each.document() for each in self.highlights],
        }
        return f"{self.record[:-1]},{orjson.dumps(more).decode()[1:]}"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, how many hits have it, and what people call it (empty where the value says it)."""

    value: Scalar
    count: int
    label: Mapping[str, str] = part(default_factory=dict)
    chosen: bool = False  # the question holds the hits to it

    def called(self, say: Say) -> str:
        """What people call it."""
        if isinstance(self.value, bool):
            return say({"en": "yes", "ja": "はい"} if self.value else {"en": "no", "ja": "いいえ"})
        if self.label and (said := say(self.label)):
            return said
        return f"{self.value:g}" if isinstance(self.value, float) else str(self.value)

    @property
    def written(self) -> str:
        """The value as a filter has it."""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True, slots=True)
class Facet:
    """The hits by the values of a field, the most frequent first.

    The counts honour every condition of the question but those on this very field. `more`: there are further values.
    `exact`: no count is an estimate.
    """

    field: str
    title: Mapping[str, str]
    values: tuple[FacetValue, ...]
    more: bool
    exact: bool = True

    def called(self, say: Say) -> str:
        """What people call the field."""
        return (say(self.title) if self.title else "") or self.field

    def document(self, say: Say) -> dict[str, Any]:
        """The facet as it is answered."""
        values = [
            {"value": value.value, "label": value.called(say), "count": value.count, "chosen": value.chosen}
            for value in self.values
        ]
        return {
            "field": self.field,
            "title": self.called(say),
            "values": values,
            "more": self.more,
            "exact": self.exact,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """How many hits lie from `start` until before `end`; the last bin of a quantity has its end too. None: without bound."""

    start: str | float | None
    end: str | float | None
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram that was asked for. `missing`: hits that have no such value."""

    field: str
    unit: str | None
    bins: tuple[Bin, ...]
    missing: int

    def document(self) -> dict[str, Any]:
        """The histogram as it is answered."""
        bins = [{"start": each.start, "end": each.end, "count": each.count} for each in self.bins]
        return {"field": self.field, "unit": self.unit, "bins": bins, "missing": self.missing}


@dataclass(frozen=True, slots=True)
class Between:
    """A range that was asked for; None where no hit has such a value. `first` and `last` are dates, or numbers in `unit`."""

    field: str
    unit: str | None
    first: str | float | None
    last: str | float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What whoever reads an answer should know of it, since it may hold less than usual."""

    what: str
    messages: Mapping[str, str]

    def document(self, say: Say) -> dict[str, str]:
        """The notice as it is answered."""
        return {"what": self.what, "message": say(self.messages)}


WITHOUT_LINKED_TITLES: Final = Notice(
    "withoutLinkedTitles",
    {
        "en": "Something was hidden just now. Until it has been taken out of the search index, titles of linked records are not "
        "searched: what is found only by such a title is missing.",
        "ja": "非公開になったばかりのレコードを検索索引から取り除いています。終わるまでは、リンク先の表題は検索されません。"
        "リンク先の表題だけで見つかるレコードは、結果に含まれていません。",
    },
)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of hits. `next` begins the page after it, for five minutes; None at the end."""

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    facets: tuple[Facet, ...]
    histograms: tuple[Spread, ...]
    next: str | None
    took_seconds: float
    position: int  # every change up to here was searched
    notices: tuple[Notice, ...] = ()
    ranges: tuple[Between, ...] = ()

    def document(self, say: Say) -> dict[str, Any]:
        """What is answered beside the hits. How long it took is no part of it: the same answer is the same text."""
        return {
            "total": self.total,
            "totalIsExact": self.total_is_exact,
            "facets": [facet.document(say) for facet in self.facets],
            "histograms": [spread.document() for spread in self.histograms],
            "next": self.next,
            "notices": [notice.document(say) for notice in self.notices],
        }

    def text(self, say: Say) -> str:
        """The page as it is answered."""
        hits = ",".join([hit.text() for hit in self.hits])
        return f'{{"hits":[{hits}],{orjson.dumps(self.document(say)).decode()[1:]}'


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the text may go on as: a title, a term's label, or an identifier."""

    text: str
    what: Literal["title", "label", "identifier"]
    kind: str
    id: str | None  # of the record, where it is one only

    def document(self) -> dict[str, Any]:
        """The suggestion as it is answered."""
        return {"text": self.text, "what": self.what, "kind": self.kind, "id": self.id}
