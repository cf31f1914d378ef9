"""What can be asked about each kind: its fields by name, of what sort they are, and where the mirror has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from difflib import get_close_matches
from typing import Literal

from catalog.errors import Invalid
from catalog.records.kinds import Field as KindField
from catalog.records.kinds import Kind, Kinds, Lineage
from catalog.records.linked import SCHEMES

Sort = Literal[
    "text", "date", "quantity", "term", "terms", "string", "strings", "integer", "number", "boolean", "link", "other"
]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind. `columns` names the mirror's column for each part of it.

    Parts: `value` of a plain field or term; `whole`, `en`, `ja` of a text; `whole`, `from`, `until`, `missing` of a date.
    `terms` are a list of them, whose rows stand beside the mirror; `strings`, and plain `words` among terms, are looked up
    in the body. What the mirror does not have (other lists, nested objects) is of sort `other`: it can be selected, not
    compared.
    """

    name: str
    sort: Sort
    columns: Mapping[str, str] = part(default_factory=dict)
    sortable: bool = False
    private: bool = False
    holds_private: bool = False
    holds_links: bool = False
    references: frozenset[str] = frozenset()  # the names of plain values in it that may name a record
    kinds: tuple[str, ...] = ()  # to which a link may point; none: to any
    lineage: Lineage | None = None
    quantity_kind: str | None = None
    words: bool = False
    # What can be compared in its object, or in those of its list, by the names that lead there; none: its items themselves.
    inside: Mapping[tuple[str, ...], Sort] = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Words:
    """The fields of one kind."""

    kind: str
    fields: Mapping[str, Field]
    private_paths: tuple[tuple[str, ...], ...] = ()  # into the body; lists are walked through
    columns: tuple[str, ...] = ()  # of its mirror


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The fields of every kind; and the prefixes with which a term's IRI may be written, each with what it stands for."""

    kinds: Mapping[str, Words]
    prefixes: Callable[[], Mapping[str, frozenset[str]]] = dict

    def named(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """The kinds that a question is about (none named: all), each once and in order, or Invalid."""
        for kind in kinds:
            if kind not in self.kinds:
                raise unknown("kind", kind, self.kinds)
        return tuple(dict.fromkeys(kinds)) if kinds else tuple(self.kinds)

    def fields(self, name: str, kinds: tuple[str, ...]) -> dict[str, Field]:
        """The field of this name in each of the kinds, or Invalid, naming what is near and which kinds lack it."""
        asked = self.named(kinds)
        found = {kind: self.kinds[kind].fields[name] for kind in asked if name in self.kinds[kind].fields}
        if not found:
            known = {one for kind in asked for one in self.kinds[kind].fields}
            raise unknown("field", name, known, of=" or ".join(asked) if len(asked) <= 3 else "any kind")
        lacking = [kind for kind in asked if kind not in found]
        if lacking:
            has = ", ".join(found)
            raise Invalid(
                f"{name}: not every kind that is asked about has this field; ask with kind={has}",
                ja=f"{name}: 対象の種別のすべてにある項目ではありません。kind={has} を指定してください",
            )
        return found

    def link_fields(self, name: str, kinds: tuple[str, ...]) -> dict[str, Field]:
        """The link field of this name in those of the kinds that have it; a wrong name is Invalid."""
        asked = self.named(kinds)
        found = {
            kind: words.fields[name]
            for kind in asked
            if (words := self.kinds[kind]) and name in words.fields and words.fields[name].sort == "link"
        }
        if not found:
            known = {one.name for kind in asked for one in self.kinds[kind].fields.values() if one.sort == "link"}
            raise unknown("link field", name, known)
        return found

    def iri(self, name: str, text: str) -> str:
        """The IRI of a term that is written in whole or with a prefix, or Invalid."""
        prefix, colon, rest = text.partition(":")
        known = self.prefixes()
        if colon and not rest.startswith("//") and prefix in known:
            meant = sorted(known[prefix])
            if len(meant) > 1:
                raise Invalid(
                    f"{name}: {prefix!r} means {' and '.join(meant)}, each to another source; write the whole IRI",
                    ja=f"{name}: 接頭辞 {prefix!r} は登録元によって {'、'.join(meant)} を指します。IRI全体を書いてください",
                )
            return meant[0] + rest
        if colon and prefix.lower() in SCHEMES:
            return text
        if colon and prefix:
            raise unknown("prefix of terms", prefix, known, of=name)
        raise Invalid(
            f"{name}: {text!r:.80} is no term; write its IRI, or a prefix and its name: panet:PaNET01196",
            ja=f"{name}: {text!r:.80} は用語ではありません。IRI か panet:PaNET01196 のような短縮形で書いてください",
        )

    def pointing_at(self, kind: str | None) -> set[str]:
        """The names of link fields, of any kind, that may point at records of this kind."""
        return {
            one.name
            for words in self.kinds.values()
            for one in words.fields.values()
            if one.sort == "link" and (kind is None or not one.kinds or kind in one.kinds)
        }


def vocabulary_of(kinds: Kinds, prefixes: Callable[[], Mapping[str, frozenset[str]]] = dict) -> Vocabulary:
    """What can be asked about these kinds, with terms written with these prefixes."""
    return Vocabulary({name: _words(kind) for name, kind in kinds.items()}, prefixes)


def _words(kind: Kind) -> Words:
    fields = {field.name: _field(field, kind) for field in kind.fields}
    return Words(kind.name, fields, tuple(_private_paths(kind.fields, ())), tuple(kind.column))


def _field(field: KindField, kind: Kind) -> Field:
    columns = {}
    for column in kind.columns:
        if column.field == field.name:
            which = column.name.rpartition("_")[2] if column.part == "language" else column.part
            columns["value" if field.form in ("scalar", "term") else which] = column.name
    return Field(
        field.name,
        _sort(field, bool(columns)),
        columns,
        sortable=field.sortable and bool(columns),
        private=field.private,
        holds_private=any(True for _ in _private_paths(field.fields, ())),
        holds_links=_holds_links(field),
        references=frozenset(_references(field)),
        kinds=field.kinds,
        lineage=field.lineage,
        quantity_kind=field.quantity_kind,
        words=field.words,
        inside=dict(_inside(field, ())) if not columns and not field.listed else {},
    )


def _inside(field: KindField, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Sort]]:
    """What is compared where it stands in the body. What may name another record is not: the record may be hidden."""
    if field.private or field.format == "reference":
        return
    if field.form == "object" and not (path and field.many):
        if path:
            yield path, "other"  # whether there is one
        for each in field.fields:
            yield from _inside(each, (*path, each.name))
    elif field.form == "scalar" and field.scalar is not None and field.scalar != "mixed":
        if not (field.many and path):
            yield path, field.scalar
        elif field.scalar == "string":
            yield path, "strings"
    elif field.form == "text" and path and not field.many:
        yield path, "text"


def _sort(field: KindField, mirrored: bool) -> Sort:
    if field.form == "links":
        return "link"
    if field.form == "quantity" and not field.private:
        return "quantity"  # its rows stand beside the mirror, lists of it too
    if field.form == "term" and field.many and not field.private:
        return "terms"
    if field.listed:
        return "strings"
    if not mirrored:
        return "other"
    match field.form:
        case "text" | "date" | "term":
            return field.form
        case "scalar":
            return field.scalar if field.scalar in ("integer", "number", "boolean") else "string"
    return "other"


def _holds_links(field: KindField) -> bool:
    return field.form == "links" or any(map(_holds_links, field.fields))


def _references(field: KindField) -> Iterator[str]:
    if field.format == "reference":
        yield field.name
    for each in field.fields:
        yield from _references(each)


def _private_paths(fields: Iterable[KindField], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for field in fields:
        if field.private:
            yield (*above, field.name)
        else:
            yield from _private_paths(field.fields, (*above, field.name))


def unknown(what: str, name: str, known: Iterable[str], *, of: str = "") -> Invalid:
    """The refusal of a name that is not known, with the names that are near it."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6) or [one for one in names if one.lower() == name.lower()]
    place = f" of {of}" if of else ""
    shown = name if len(name) <= 80 else name[:77] + "..."
    if near:
        meant, ja = f"did you mean {' or '.join(near)}?", f"{'、'.join(near)} のことですか"
    else:
        some = ", ".join(names[:30]) + (" …" if len(names) > 30 else "")
        meant, ja = f"known are {some or 'none'}", f"使えるのは {some or 'ありません'}"
    return Invalid(f"{shown}: no such {what}{place}; {meant}", ja=f"{shown}: ここで使える名前ではありません。{ja}")
