"""The parameters of an address become a question: `kind=sample&title.prefix=…&startedAt=2026-05&energy=7..8 keV`.

docs/asking.md says the same to people, with examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

from catalog.errors import Invalid
from catalog.questions.check import check, other_end
from catalog.questions.cursor import read_cursor
from catalog.questions.question import (
    MOST_ITEMS,
    OPERATORS,
    RECORD_ATTRIBUTES,
    And,
    Attributed,
    Compare,
    Condition,
    Count,
    Direction,
    Exists,
    InScope,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Operator,
    Or,
    Order,
    Place,
    Question,
    Scalar,
    Selection,
    Termed,
)
from catalog.questions.vocabulary import Field, Vocabulary, unknown
from catalog.questions.written import any_of, date_of, dated, identified, measured, range_backwards, written_at
from catalog.records.identifiers import encode_local
from catalog.records.quantities import Unknown, understand

# What stands for the whole list, and not for one record.
OF_LIST: Final = ("kind", "status", "sort", "limit", "cursor", "select", "count")
# What a field of a kind cannot shadow; a field of such a name is asked for as body.<name>.
OF_RECORD: Final = (
    *RECORD_ATTRIBUTES,
    "scope",
    "identifier",
    "attribute",
    "condition",
    "term",
    "link",
    "incoming",
    "body",
    "not",
)
SELECTABLE: Final = ("body", "links", "incoming", "files", "findings", "identifiers")

_NUMBER: Final = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE: Final = re.compile(
    rf"\s*(?P<low>{_NUMBER})?\s*(?P<dots>\.\.)?\s*(?P<high>{_NUMBER})?\s*(?P<unit>.*?)\s*", re.DOTALL
)
MOST_PARAMETERS: Final = 200
# What terms are asked for by, besides whether there are any.
_OF_TERMS: Final = ("eq", "in", "all", "exactly")

Pairs = Sequence[tuple[str, str]]


def question_from(pairs: Iterable[tuple[str, str]], vocabulary: Vocabulary) -> Question:
    """The question that these parameters ask, checked; Invalid names the parameter that is wrong and what is near it.

    Different parameters all hold; one that is repeated holds with any of its values.
    """
    given = list(pairs)
    if len(given) > MOST_PARAMETERS:
        raise Invalid(f"more than {MOST_PARAMETERS} parameters", ja=f"パラメータが{MOST_PARAMETERS}個を超えています")
    listed: dict[str, list[str]] = {}
    rest: list[tuple[str, str]] = []
    for name, value in given:
        if name in OF_LIST:
            listed.setdefault(name, []).append(value)
        else:
            rest.append((name, value))
    kinds = vocabulary.named(tuple(_several(listed, "kind"))) if "kind" in listed else ()
    order = tuple(order_from(each) for each in _several(listed, "sort"))
    cursor = _single(listed, "cursor")
    question = Question(
        kinds=kinds,
        where=_Asking(vocabulary).conditions(rest, kinds),
        statuses=tuple(dict.fromkeys(_several(listed, "status"))) or ("public",),
        order=order,
        first=_limit(_single(listed, "limit")),
        after=read_cursor(cursor, order) if cursor else None,
        selection=_selection(_several(listed, "select"), kinds, vocabulary)
        if "select" in listed
        else Selection(body=True),
        count=_count(_single(listed, "count")),
    )
    return check(question, vocabulary)


def _several(listed: dict[str, list[str]], name: str) -> list[str]:
    return [part.strip() for value in listed.get(name, ()) for part in value.split(",") if part.strip()]


def _single(listed: dict[str, list[str]], name: str) -> str | None:
    values = listed.get(name, ())
    if len(values) > 1:
        raise Invalid(
            f"{name}: given {len(values)} times; once is enough", ja=f"{name}: {len(values)}回指定されています"
        )
    return values[0] if values else None


def _limit(text: str | None) -> int:
    if text is None:
        return 100
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Invalid(
            f"limit: {text!r:.80} is not a whole number from 1 to {MOST_ITEMS}",
            ja=f"limit: {text!r:.80} は1から{MOST_ITEMS}までの整数ではありません",
        )
    return int(text)


def _count(text: str | None) -> Count:
    match text:
        case None:
            return "none"
        case "none" | "bounded" | "exact":
            return text
    raise unknown("way to count", text, get_args(Count))


def order_from(text: str) -> Order:
    """An order as it is written: `startedAt`, `-title.ja`."""
    descending, name = text.startswith("-"), text.lstrip("-+ ")
    name, _, language = name.partition(".")
    return Order(name, descending, language or None)


def _selection(names: list[str], kinds: tuple[str, ...], vocabulary: Vocabulary) -> Selection:
    fields: list[str] = []
    for name in names:
        if name == "none" or name in SELECTABLE:
            continue
        name = name.removeprefix("body.")
        known = vocabulary.named(kinds)
        if not any(name in vocabulary.kinds[kind].fields for kind in known):
            every = {one for kind in known for one in vocabulary.kinds[kind].fields}
            raise unknown("field or part", name, [*SELECTABLE, "none", *every])
        fields.append(name)
    return Selection(
        body="body" in names,
        fields=tuple(dict.fromkeys(fields)),
        links="links" in names,
        incoming="incoming" in names,
        files="files" in names,
        findings="findings" in names,
        identifiers="identifiers" in names,
    )


class _Asking:
    """Reads the parameters that speak of one record."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def conditions(self, pairs: Pairs, kinds: tuple[str, ...]) -> Condition | None:
        """All of them together; None for none."""
        parts = []
        values: dict[str, list[str]] = {}
        links: dict[tuple[bool, Direction, str], list[tuple[str, str]]] = {}
        for name, value in pairs:
            if link := self._link_name(name, kinds):
                negated, direction, field, rest = link
                links.setdefault((negated, direction, field), []).append((rest, value))
            else:
                values.setdefault(name, []).append(value)
        for name, several in values.items():
            negated, plain = name.startswith("not."), name.removeprefix("not.")
            if plain.partition(".")[0] == "not":
                raise Invalid(
                    f"{name:.80}: `not.` stands once, before the name of what does not hold, as in not.source=nims",
                    ja=f"{name:.80}: `not.` は一度だけ、項目名の前に付けてください（例: not.source=nims）",
                )
            condition = self._one(plain, several, kinds)
            parts.append(Not(condition) if negated else condition)
        for (negated, direction, field), told in links.items():
            link_condition = self._link(direction, field, told, kinds)
            parts.append(Not(link_condition) if negated else link_condition)
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _link_name(self, name: str, kinds: tuple[str, ...]) -> tuple[bool, Direction, str, str] | None:
        negated, plain = name.startswith("not."), name.removeprefix("not.")
        first, _, rest = plain.partition(".")
        if first in ("link", "incoming"):
            field, _, rest = rest.partition(".")
            return negated, "out" if first == "link" else "in", field, rest
        # A link field by its bare name, where nothing else bears it.
        known = kinds or tuple(self.vocabulary.kinds)
        if first not in OF_RECORD and any(
            first in (words := self.vocabulary.kinds[kind].fields) and words[first].sort == "link" for kind in known
        ):
            return negated, "out", first, rest
        return None

    def _one(self, name: str, values: list[str], kinds: tuple[str, ...]) -> Condition:
        first, _, rest = name.partition(".")
        match first:
            case "id" | "source" | "profile" | "localId" | "formats":
                return self._of_record(name, first, rest, values)
            case "created" | "modified":
                return any_of(
                    [written_at(name, first, _operator(name, rest), date_of(name, value)) for value in values]
                )
            case "scope":
                if rest not in ("", "only"):
                    raise unknown("parameter", name, ("scope", "scope.only"))
                return any_of([InScope(value, below=rest != "only") for value in values])
            case "identifier":
                return any_of([way for value in values for way in identified(rest, value)])
            case "term":
                return self._terms(name, None, rest, values)
            case "attribute" | "condition" if rest:
                return self._named(name, first, rest, values)
            case "body" if rest:
                return self._field(rest, values, kinds, as_asked=name)
        return self._field(name, values, kinds, as_asked=name)

    def _of_record(
        self,
        name: str,
        attribute: Literal["id", "source", "profile", "localId", "formats"],
        rest: str,
        values: list[str],
    ) -> Condition:
        operator = _operator(name, rest)
        if operator in ("eq", "in"):
            whole = attribute == "localId" or (attribute == "formats" and operator == "eq")  # they may hold commas
            split = values if whole else [part for value in values for part in value.split(",")]
            several = tuple(encode_local(part) if attribute == "localId" else part for part in split)
            if len(several) == 1:
                return OfRecord(attribute, "eq", several[0])
            return OfRecord(attribute, "in", several)
        return any_of([OfRecord(attribute, operator, value) for value in values])

    def _named(self, name: str, place: Literal["attribute", "condition"], rest: str, values: list[str]) -> Condition:
        plain, operator = _split_operator(rest)
        called: Place = place
        if operator == "exists":
            held = Or((Attributed(plain), Measured(plain, called))) if place == "attribute" else Measured(plain, called)
            return held if _truth(name, values[-1]) else Not(held)
        if operator == "term":
            return any_of([Attributed(plain, term=self.vocabulary.iri(name, value)) for value in values])
        if operator == "term.exactly":
            iris = [self.vocabulary.iri(name, value) for value in values]
            return any_of([Attributed(plain, term=iri, below=False) for iri in iris])
        ways: list[Condition] = []
        for value in values:
            measured = _measured(name, plain, called, operator, value)
            if measured is not None:
                ways.append(measured)
            if place == "condition":
                if measured is None:
                    raise _no_quantity(name, value)
            elif operator == "in":
                ways.append(Attributed(plain, "in", tuple(value.split(","))))
            elif operator in (None, "eq"):
                ways.append(Attributed(plain, "eq", value))
            elif operator == "prefix":
                ways.append(Attributed(plain, "prefix", value))
            elif measured is None:
                raise _no_quantity(name, value)
        return any_of(ways)

    def _field(self, name: str, values: list[str], kinds: tuple[str, ...], *, as_asked: str) -> Condition:
        plain, _, rest = name.partition(".")
        known = kinds or tuple(self.vocabulary.kinds)
        found = [
            self.vocabulary.kinds[kind].fields[plain] for kind in known if plain in self.vocabulary.kinds[kind].fields
        ]
        if not found:
            # Not a field: a condition or attribute of that name, if the value is a quantity; else a slip.
            named, operator = _split_operator(name)
            ways = [_measured(as_asked, named, "anywhere", operator, value, guess=True) for value in values]
            measured = [way for way in ways if way is not None]
            if len(measured) == len(values):
                return any_of(list(measured))
            every = {one for kind in known for one in self.vocabulary.kinds[kind].fields}
            raise unknown("parameter", plain, [*OF_LIST, *OF_RECORD, *every])
        field = found[0]
        language = None
        if field.sort == "text" and rest.partition(".")[0] not in (*OPERATORS, "exists", ""):
            language, _, rest = rest.partition(".")
        if rest == "exists":
            return Exists(plain) if _truth(as_asked, values[-1]) else Not(Exists(plain))
        if field.sort == "terms" or (field.sort == "term" and rest in ("", *_OF_TERMS)):
            return self._terms_or_words(as_asked, field, rest, values)
        if field.sort == "date":
            if rest == "missing":
                return any_of([Missing(plain, None if value in ("", "true") else value) for value in values])
            return any_of([dated(plain, _operator(as_asked, rest), date_of(as_asked, value)) for value in values])
        if field.sort == "quantity":
            ways_ = [_measured(as_asked, plain, "field", rest or None, value) for value in values]
            if None in ways_:
                raise _no_quantity(as_asked, values[ways_.index(None)])
            return any_of([way for way in ways_ if way is not None])
        operator_ = _operator(as_asked, rest)
        split = [part for value in values for part in value.split(",")] if operator_ == "in" else values
        made = [_scalar(as_asked, field, value) for value in split]
        if operator_ in ("eq", "in"):
            if len(made) > 1:
                return Compare(plain, "in", tuple(made), language)
            return Compare(plain, "eq", made[0], language)
        return any_of([Compare(plain, operator_, value, language) for value in made])

    def _terms_or_words(self, name: str, field: Field, rest: str, values: list[str]) -> Condition:
        """Terms; where plain words may stand beside them, what is written as no term is such a word."""
        if not field.words or rest not in ("", "eq", "in"):
            return self._terms(name, field.name, rest, values)
        split = [part.strip() for value in values for part in value.split(",")] if rest == "in" else values
        terms: list[str] = []
        words: list[str] = []
        for part in split:
            try:
                terms.append(self.vocabulary.iri(name, part))
            except Invalid:
                words.append(part)
        ways: list[Condition] = [Termed(field.name, tuple(terms))] if terms else []
        if words:
            several = len(words) > 1
            ways.append(Compare(field.name, "in" if several else "eq", tuple(words) if several else words[0]))
        return any_of(ways)

    def _terms(self, name: str, field: str | None, rest: str, values: list[str]) -> Condition:
        """Each value is one term, which may hold commas; `in` and `all` take several."""
        if rest not in ("", *_OF_TERMS):
            raise unknown("operator", rest, (*_OF_TERMS, *(("exists",) if field else ())), of=name.partition(".")[0])
        split = [part.strip() for value in values for part in value.split(",")] if rest in ("in", "all") else values
        terms = tuple(self.vocabulary.iri(name, part) for part in split)
        if rest == "all" and len(terms) > 1:
            return And(tuple(Termed(field, (term,)) for term in terms))
        return Termed(field, terms, below=rest != "exactly")

    def _link(self, direction: Direction, field: str, told: Pairs, kinds: tuple[str, ...]) -> Condition:
        called = f"{'link' if direction == 'out' else 'incoming'}.{field}"
        if not field:
            raise Invalid(
                f"{called}: name a link field: link.samples=sample/x/y", ja=f"{called}: リンク項目の名前が必要です"
            )
        name = None if field == "any" else field
        targets: list[str] = []
        role = port = None
        asked: tuple[str, ...] = ()
        inner: list[tuple[str, str]] = []
        present = True
        for rest, value in told:
            match rest.partition("."):
                case ("" | "eq" | "in", "", ""):
                    targets += value.split(",")
                case ("role", "", ""):
                    role = value
                case ("port", "", ""):
                    port = value
                case ("kind", "", ""):
                    asked = self.vocabulary.named(tuple(value.split(",")))
                case ("exists", "", ""):
                    present = _truth(f"{called}.exists", value)
                case ("to" | "from", ".", deeper) if rest.startswith("to." if direction == "out" else "from."):
                    inner.append((deeper, value))
                case _:
                    known = ("role", "port", "kind", "exists", "to.…" if direction == "out" else "from.…")
                    raise unknown(f"part of {called}", rest, known)
        # The name must be one before what stands at its other end can be asked for.
        if name is not None and direction == "out":
            self.vocabulary.link_fields(name, kinds)
        end = other_end(self.vocabulary, name, direction, asked, kinds)
        where = self.conditions(inner, end) if inner else None
        linked = Linked(name, direction, tuple(targets), role, port, asked, where)
        return linked if present else Not(linked)


def _operator(name: str, text: str) -> Operator:
    if text == "":
        return "eq"
    for known in OPERATORS:
        if text == known:
            return known
    raise unknown("operator", text, (*OPERATORS, "exists"), of=name.partition(".")[0])


def _split_operator(name: str) -> tuple[str, str | None]:
    """A name that may itself hold dots, and the operator behind it if there is one."""
    plain, dot, last = name.rpartition(".")
    if last == "exactly" and plain.endswith(".term"):
        return plain.removesuffix(".term"), "term.exactly"
    if dot and last in (*OPERATORS, "exists", "term"):
        return plain, last
    return name, None


def _truth(name: str, value: str) -> bool:
    match value.lower():
        case "true" | "1" | "yes" | "":
            return True
        case "false" | "0" | "no":
            return False
    raise Invalid(
        f"{name}: {value!r:.80} is neither true nor false", ja=f"{name}: {value!r:.80} は true か false ではありません"
    )


def _scalar(name: str, field: Field, value: str) -> Scalar:
    match field.sort:
        case "integer" if re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            return int(value)
        case "number" if re.fullmatch(_NUMBER, value):
            return float(value)
        case "boolean":
            return _truth(name, value)
        case "integer" | "number":
            raise Invalid(f"{name}: {value!r:.80} is not a number", ja=f"{name}: {value!r:.80} は数値ではありません")
    return value


def _measured(
    name: str, called: str, place: Place, operator: str | None, value: str, *, guess: bool = False
) -> Measured | None:
    """The quantity that the value names: `7 keV`, `7..8 keV`, `..8 keV`, `7.. keV`; None if it names none."""
    found = _RANGE.fullmatch(value)
    if found is None or (found["low"] is None and found["high"] is None):
        return None
    if operator not in (None, "eq", "lt", "le", "gt", "ge"):
        return None
    text = found["unit"]
    if not text and (guess or place == "attribute"):
        return None  # a bare number may as well be an attribute's text, or a slip
    if (guess or place == "attribute") and isinstance(understand(text or "1"), Unknown):
        return None
    low = float(found["low"]) if found["low"] else None
    high = float(found["high"]) if found["high"] else None
    if not found["dots"]:
        low = high = low if low is not None else high
    if low is not None and high is not None and low > high:
        raise range_backwards(name, value)
    match operator:
        case "ge" | "gt":
            high = None
        case "le" | "lt":
            low = None
    return measured(name, called, place, low, high, text or "1")


def _no_quantity(name: str, value: str) -> Invalid:
    return Invalid(
        f"{name}: {value!r:.80} is no quantity; write a number or a range with its unit: 7.1 keV, 7..8 keV, ..8 keV",
        ja=f"{name}: {value!r:.80} は数量ではありません。単位を付けて 7.1 keV、7..8 keV のように書いてください",
    )
