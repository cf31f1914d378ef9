"""Read a vocabulary from a file: SKOS, OWL's classes, or a template of ROBOT; what could not be read is told beside it."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Final, Literal

import pyoxigraph

from catalog.errors import Invalid, Malformed
from catalog.records.identifiers import is_iri
from catalog.records.linked import SCHEMES

Form = Literal["robot", "turtle", "ntriples", "rdfxml", "jsonld"]
# By the endings of files.
FORMS: Final[Mapping[str, Form]] = {
    ".csv": "robot",
    ".ttl": "turtle",
    ".nt": "ntriples",
    ".rdf": "rdfxml",
    ".owl": "rdfxml",
    ".xml": "rdfxml",
    ".jsonld": "jsonld",
}
_RDF: Final[Mapping[Form, pyoxigraph.RdfFormat]] = {
    "turtle": pyoxigraph.RdfFormat.TURTLE,
    "ntriples": pyoxigraph.RdfFormat.N_TRIPLES,
    "rdfxml": pyoxigraph.RdfFormat.RDF_XML,
    "jsonld": pyoxigraph.RdfFormat.JSON_LD,
}


@dataclass(slots=True)
class Concept:
    """A concept as a file tells it."""

    iri: str
    labels: dict[str, str] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    definition: dict[str, str] = field(default_factory=dict)
    notation: str | None = None
    scheme: str | None = None
    broader: list[str] = field(default_factory=list)
    exact: list[str] = field(default_factory=list)
    close: list[str] = field(default_factory=list)
    replaced_by: list[str] = field(default_factory=list)
    see_also: list[str] = field(default_factory=list)
    deprecated: bool = False

    def call(self, text: str, language: str) -> None:
        """Give it a label; of several in a language the first is the one, the rest are further ones."""
        if self.labels.setdefault(language, text) != text:
            self.call_also(text, language)

    def call_also(self, text: str, language: str) -> None:
        """Give it a further label."""
        if text != self.labels.get(language) and text not in self.others.setdefault(language, []):
            self.others[language].append(text)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a file that was not taken in, and why, by language."""

    what: str
    why: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """As it is answered."""
        return {"what": self.what, "why": dict(self.why)}


@dataclass(slots=True)
class Scheme:
    """What a file holds."""

    concepts: dict[str, Concept] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave(self, what: str, en: str, ja: str) -> None:
        """Note what is not taken in."""
        self.left_out.append(LeftOut(what, {"en": en, "ja": ja}))


def read_vocabulary(data: bytes, form: Form, *, language: str = "en") -> Scheme:
    """The concepts of a file; `language` is that of texts which do not say."""
    if form == "robot":
        return _read_template(data, language)
    return _read_rdf(data, form, language)


_SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_OWL: Final = "http://www.w3.org/2002/07/owl#"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DEFINITION: Final = "http://purl.obolibrary.org/obo/IAO_0000115"
_REPLACED: Final = ("http://purl.org/dc/terms/isReplacedBy", "http://purl.obolibrary.org/obo/IAO_0100001")
_CONCEPTS: Final = frozenset((_SKOS + "Concept", _OWL + "Class"))
_TAG: Final = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")


def _read_rdf(data: bytes, form: Form, language: str) -> Scheme:
    """SKOS, and of OWL's classes what SKOS would say: labels, definitions, named classes above."""
    scheme = Scheme()
    found: dict[str, Concept] = {}
    concepts: set[str] = set()
    nameless = 0
    try:
        for quad in pyoxigraph.parse(data, format=_RDF[form]):
            if not isinstance(quad.subject, pyoxigraph.NamedNode):
                continue
            iri, predicate, value = quad.subject.value, quad.predicate.value, quad.object
            concept = found.setdefault(iri, Concept(iri))
            if isinstance(value, pyoxigraph.Literal):
                _note_literal(concept, predicate, value, language)
            elif isinstance(value, pyoxigraph.NamedNode):
                if predicate == _TYPE and value.value in _CONCEPTS:
                    concepts.add(iri)
                elif predicate == _SKOS + "narrower":
                    found.setdefault(value.value, Concept(value.value)).broader.append(iri)
                else:
                    _note_link(concept, predicate, value.value)
            elif predicate == _RDFS + "subClassOf":
                nameless += 1
    except SyntaxError as problem:
        raise Malformed(
            f"the vocabulary cannot be read as {form}: {problem}", ja=f"語彙を {form} として読めません: {problem}"
        ) from problem
    if nameless:
        scheme.leave(
            f"rdfs:subClassOf ({nameless})",
            "classes above that have no IRI (restrictions): only named ones can be asked for",
            "IRIのない上位クラス（制約式）は取り込めません",
        )
    for iri in sorted(concepts):
        concept = found[iri]
        if concept.labels:
            concept.broader = sorted({above for above in concept.broader if above not in (iri, _OWL + "Thing")})
            scheme.concepts[iri] = concept
        else:
            _leave_unlabelled(scheme, iri)
    return scheme


def _note_literal(concept: Concept, predicate: str, value: pyoxigraph.Literal, language: str) -> None:
    text = value.value.strip()
    if not text:
        return
    tag = _tag(value.language) or language
    if predicate in (_SKOS + "prefLabel", _RDFS + "label"):
        concept.call(text, tag)
    elif predicate == _SKOS + "altLabel":
        concept.call_also(text, tag)
    elif predicate in (_SKOS + "definition", _DEFINITION):
        concept.definition.setdefault(tag, text)
    elif predicate == _SKOS + "notation":
        concept.notation = text
    elif predicate == _OWL + "deprecated":
        concept.deprecated = text in ("true", "1")


def _note_link(concept: Concept, predicate: str, target: str) -> None:
    if predicate in (_SKOS + "broader", _RDFS + "subClassOf"):
        concept.broader.append(target)
    elif predicate in (_SKOS + "exactMatch", _OWL + "equivalentClass"):
        concept.exact.append(target)
    elif predicate == _SKOS + "closeMatch":
        concept.close.append(target)
    elif predicate in _REPLACED:
        concept.replaced_by.append(target)
    elif predicate == _RDFS + "seeAlso":
        concept.see_also.append(target)
    elif predicate == _SKOS + "inScheme":
        concept.scheme = target


def _tag(language: str | None) -> str | None:
    """A language tag in its usual case, which RDF's readers lower: zh-Hans, en-US."""
    if language is None or not _TAG.fullmatch(language.lower()):
        return None
    first, *rest = language.lower().split("-")
    return "-".join(
        [first, *(part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part for part in rest)]
    )


def _leave_unlabelled(scheme: Scheme, iri: str) -> None:
    scheme.leave(iri, "it has no label", "ラベルがありません")


# --- ROBOT's templates, in which PaNET is written: a row a class, and over each column what it stands for

_LABEL: Final = frozenset(("A rdfs:label", "LABEL", "A skos:prefLabel", f"A {_SKOS}prefLabel"))
_OTHER: Final = frozenset(("A skos:altLabel", f"A {_SKOS}altLabel"))
_DEFINED: Final = frozenset(("A IAO:0000115", f"A {_DEFINITION}", "A skos:definition", f"A {_SKOS}definition"))
_DEFINED_IN: Final = frozenset(("A IAO:0000119", "A rdfs:seeAlso"))
_RESTRICTION: Final = re.compile(r"\(\s*('[^']+'|\S+)\s+some\s+('[^']+'|\S+)\s*\)")
_BOTH: Final = re.compile(r"\s+and\s+")


@dataclass(slots=True)
class _Class:
    """A class of a template: what is above it, said by names and by restrictions (property, filler)."""

    concept: Concept
    above: list[str] = field(default_factory=list)
    some: list[tuple[str, str]] = field(default_factory=list)
    # Its whole definition, where that is one restriction: whatever keeps to it is below this class.
    is_some: tuple[str, str] | None = None


class _Template:
    """A template's classes and properties, by IRI; names are labels, short forms or IRIs."""

    def __init__(self, rows: Sequence[Mapping[str, list[str]]], scheme: Scheme, language: str) -> None:
        self.scheme = scheme
        self.classes: dict[str, _Class] = {}
        self.properties: dict[str, Mapping[str, list[str]]] = {}
        self.by_label: dict[str, list[str]] = {}
        self.by_tail: dict[str, str] = {}
        for row in rows:
            self._enter(row, language)
        self.ranges = {name for row in self.properties.values() for name in row.get("RANGE", ())}
        # Read twice: a technique and what defines it may share a label, and the first time tells which is which.
        self.specifiers: set[str] = set()
        for settled in (False, True):
            self.settled = settled
            for row in rows:
                if row["ID"][0] in self.classes:
                    self._define(self.classes[row["ID"][0]], row)
            if not settled:
                self.specifiers = self._below({iri for name in self.ranges for iri in self.by_label.get(name, ())})
                for each in self.classes.values():
                    each.above, each.some, each.concept.exact = [], [], []

    def _enter(self, row: Mapping[str, list[str]], language: str) -> None:
        (iri, *_) = row["ID"]
        label = next((text for name in _LABEL for text in row.get(name, ())), None)
        if not is_iri(iri):
            self.scheme.leave(iri, "its ID is no IRI", "ID がIRIではありません")
            return
        self.by_tail[re.split(r"[/#]", iri)[-1]] = iri
        kinds = row.get("TYPE", ())
        if any("Property" in kind for kind in kinds):
            self.properties[iri] = row
            if label is not None:
                self.by_label.setdefault(label, []).append(iri)
            return
        made = self.classes.setdefault(iri, _Class(Concept(iri)))
        if label is not None:
            if label not in made.concept.labels.values():
                self.by_label.setdefault(label, []).append(iri)
            made.concept.call(label, language)
        for name in _OTHER:
            for text in row.get(name, ()):
                made.concept.call_also(text, language)
        for name in _DEFINED:
            for text in row.get(name, ()):
                made.concept.definition.setdefault(language, text)
        for name in _DEFINED_IN:
            for text in row.get(name, ()):
                if is_iri(text) and text.partition(":")[0] in SCHEMES:
                    made.concept.see_also.append(text)
                else:
                    self.scheme.leave(
                        f"{iri}: {text!r}", "where its definition is from is no IRI", "定義の出典がIRIではありません"
                    )

    def _define(self, of: _Class, row: Mapping[str, list[str]]) -> None:
        equivalent = row.get("EC %", [])
        for cell in (*row.get("SC %", ()), *equivalent):
            self._said(of, cell, equivalent=cell in equivalent)
        only = [_RESTRICTION.fullmatch(cell) for cell in equivalent]
        if len(only) == 1 and only[0] is not None and not row.get("SC %"):
            of.is_some = self._restricted(of, only[0])

    def _said(self, of: _Class, cell: str, *, equivalent: bool) -> None:
        if (restriction := _RESTRICTION.fullmatch(cell)) is not None:
            if (some := self._restricted(of, restriction)) is not None:
                of.some.append(some)
            return
        for name in _BOTH.split(cell[1:-1]) if cell.startswith("(") and cell.endswith(")") else [cell]:
            if name in ("owl:Thing", _OWL + "Thing"):
                continue
            iri = self._named(name.strip().strip("'"))
            if iri is not None:
                of.above.append(iri)
            elif equivalent and is_iri(name) and name.startswith("http"):
                of.concept.exact.append(name)
            else:
                self._unknown(of, name)

    def _restricted(self, of: _Class, found: re.Match[str]) -> tuple[str, str] | None:
        quality, filler = (self._named(part.strip("'"), filler=place == 1) for place, part in enumerate(found.groups()))
        if quality is None or filler is None:
            self._unknown(of, found.group())
            return None
        return quality, filler

    def _named(self, name: str, *, filler: bool = False) -> str | None:
        if name in self.classes or name in self.properties:
            return name
        several = self.by_label.get(name, ())
        if len(several) == 1:
            return several[0]
        if several:
            fitting = [iri for iri in several if (iri in self.specifiers) is filler]
            return fitting[0] if len(fitting) == 1 else None
        prefix, colon, tail = name.partition(":")
        return self.by_tail.get(tail) if colon and prefix and "//" not in name else None

    def _below(self, tops: Collection[str]) -> set[str]:
        found = set(tops) & self.classes.keys()
        while True:
            more = {iri for iri, each in self.classes.items() if iri not in found and not found.isdisjoint(each.above)}
            if not more:
                return found
            found |= more

    def _unknown(self, of: _Class, said: str) -> None:
        if not self.settled:
            return
        self.scheme.leave(
            f"{of.concept.iri}: {said}",
            "what stands above it is named in a way that leads to no class of the file, or to several",
            "上位のクラスがファイルの中で一つに定まりません",
        )

    def hierarchy(self) -> None:
        """Work out what is above each class, by names and by what its restrictions imply."""
        defined: dict[tuple[str, str], list[str]] = {}
        for iri, each in self.classes.items():
            if each.is_some is not None:
                defined.setdefault(each.is_some, []).append(iri)
        for iri, each in self.classes.items():
            above = dict.fromkeys(each.above)
            for quality, filler in each.some:
                above.update(dict.fromkeys(self._implied(iri, quality, filler, defined)))
            if not above:
                # Whatever has the property is in its domain.
                domains = [name for quality, _ in each.some for name in self.properties[quality].get("DOMAIN", ())]
                above.update(dict.fromkeys(top for name in domains if (top := self._named(name)) is not None))
            above.pop(iri, None)
            each.concept.broader = list(above)

    def _implied(
        self, iri: str, quality: str, filler: str, defined: Mapping[tuple[str, str], Sequence[str]]
    ) -> Iterator[str]:
        """The nearest classes that are defined by the same property and something above the filler."""
        waiting, seen = [filler], {filler}
        while waiting:
            at = waiting.pop()
            if found := [other for other in defined.get((quality, at), ()) if other != iri]:
                yield from found
                continue
            more = [each for each in self.classes[at].above if each not in seen] if at in self.classes else []
            seen.update(more)
            waiting += more


def _read_template(data: bytes, language: str) -> Scheme:
    scheme = Scheme()
    try:
        lines = list(csv.reader(StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise Malformed(f"this is no CSV: {problem}", ja=f"CSV として読めません: {problem}") from problem
    head = next((place for place, row in enumerate(lines[:5]) if "ID" in row and any(c in _LABEL for c in row)), None)
    if head is None:
        raise Malformed(
            "this CSV is no ROBOT template: one of its first lines must say what the columns are "
            "(ID, A rdfs:label, SC %, EC % …)",
            ja="ROBOTのテンプレートではありません。先頭の行に ID、A rdfs:label、SC %、EC % などの指定が必要です",
        )
    rows = [_row(lines[head], row) for row in lines[head + 1 :]]
    template = _Template([row for row in rows if row.get("ID")], scheme, language)
    template.hierarchy()
    specifiers = template.specifiers
    if specifiers:
        scheme.leave(
            f"{len(specifiers)} classes",
            "they are values of the file's own properties, by which its terms are defined, and no terms themselves",
            "用語を定義するための値であり、用語ではないため取り込みません",
        )
    for iri, each in template.classes.items():
        if iri in specifiers:
            continue
        if not each.concept.labels:
            _leave_unlabelled(scheme, iri)
            continue
        each.concept.broader = [above for above in each.concept.broader if above not in specifiers]
        scheme.concepts[iri] = each.concept
    if not scheme.concepts:
        raise Invalid("there is no term in this file", ja="このファイルには用語がありません")
    return scheme


def _row(templates: Sequence[str], cells: Iterable[str]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for template, cell in zip(templates, cells, strict=False):
        if template and (text := cell.strip()):
            made.setdefault(template, []).append(text)
    return made
