"""Linked forms as N-Triples: a reader compiled from the context for just what the linked form writes, and the engine's own.

The engine's reading is the definition, a test holds the two equal by value; the compiled one takes half the time and
lets other threads run while it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from typing import Any, Final
from weakref import WeakKeyDictionary

import orjson
import pyoxigraph

from catalog.errors import Malformed, Misconfigured
from catalog.records.canonical import canonical
from catalog.records.finding import Finding
from catalog.records.kinds import Kinds
from catalog.records.record import Link

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TYPE: Final = f"<{_RDF}type>"
# What can't stand in an IRI; the schemas refuse it, and it must never get out of the angle brackets.
_BROKEN: Final = re.compile(r"[\x00-\x20<>\"{}|\\^`]").search

_REMEMBERED: Final = 1 << 14

_Say = Callable[["_Reader", str, Any], None]


@lru_cache(maxsize=1 << 14)
def _look_at(iri: str) -> None:
    """ValueError where an IRI in its angle brackets breaks RFC 3987."""
    pyoxigraph.NamedNode(iri[1:-1])


class _Reader:
    """Reads one batch: a base, and the lines written so far."""

    __slots__ = ("base", "iris", "lines", "nodes", "prefixes", "strict")

    def __init__(self, compiled: _Compiled, base: str, strict: bool) -> None:
        self.base = base
        self.strict = strict
        self.lines: list[str] = []
        self.nodes = compiled.nodes
        self.prefixes = compiled.prefixes
        self.iris = compiled.iris_under(base, strict)

    def iri(self, text: str) -> str:
        """The IRI in angle brackets: a context's prefix written out, a relative one set after the base."""
        known = self.iris.get(text)
        if known is None:
            known = self._iri(text)
            if self.strict:
                try:
                    _look_at(known)
                except ValueError as problem:
                    raise Malformed(
                        f"{text!r} is no IRI: {problem}", ja=f"{text!r} はIRIではありません: {problem}"
                    ) from problem
            self.iris[text] = known
        return known

    def _iri(self, text: str) -> str:
        if _BROKEN(text):
            raise Malformed(f"{text!r} is no IRI", ja=f"{text!r} はIRIではありません")
        prefix, colon, rest = text.partition(":")
        if not colon or "/" in prefix:
            return f"<{self.base}{text}>"
        if not rest.startswith("//") and (start := self.prefixes.get(prefix)):
            return f"<{start}{rest}>"
        return f"<{text}>"

    def node(self, document: Mapping[str, Any]) -> str:
        """Write the node's triples; its subject."""
        name = document.get("id")
        subject = self.iri(document["to"]) if name is None else f"<{self.base}{name}>"
        get = self.nodes.get
        for key, value in document.items():
            say = get(key)
            if say is not None:
                say(self, subject, value)
        return subject


class _Compiled:
    """The context as functions by key."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self.context = context
        self.prefixes = {key: self._prefix(value) for key, value in context.items() if self._is_prefix(key, value)}
        self.aliases = {
            key: value for key, value in context.items() if isinstance(value, str) and value.startswith("@")
        }
        self.types = {
            key: f"<{self._expand(value)}>"
            for key, value in context.items()
            if isinstance(value, str) and not value.startswith("@")
        }
        # Targets, units and roles come again and again.
        self._iris: dict[tuple[str, bool], dict[str, str]] = {}
        self.nodes: dict[str, _Say] = {}
        for key, definition in context.items():
            say = self._term(key, definition)
            if say is not None:
                self.nodes[key] = say
        self.nodes.update(
            {
                key: self._say_types()
                for key, keyword in [*self.aliases.items(), ("@type", "@type")]
                if keyword == "@type"
            }
        )

    def iris_under(self, base: str, strict: bool) -> dict[str, str]:
        """IRIs in their angle brackets, by what is written for them, as far as they came up."""
        known = self._iris.setdefault((base, strict), {})
        if len(known) > _REMEMBERED:
            known = self._iris[base, strict] = {}
        return known

    @staticmethod
    def _is_prefix(key: str, value: Any) -> bool:
        # JSON-LD 1.1, 4.1.5 Compact IRIs: a plain definition ending in a delimiter, or one that says `@prefix`.
        if isinstance(value, dict):
            return value.get("@prefix") is True
        return isinstance(value, str) and ":" in value and value[-1] in ":/?#[]@"

    @staticmethod
    def _prefix(value: Any) -> str:
        return str(value["@id"] if isinstance(value, dict) else value)

    def _expand(self, text: str) -> str:
        prefix, colon, rest = text.partition(":")
        if colon and not rest.startswith("//") and prefix in self.context:
            return self._expand(self._prefix(self.context[prefix])) + rest
        if not colon:
            raise Misconfigured(
                f"the context names {text!r}, which is no IRI", ja=f"コンテキストの {text!r} はIRIではありません"
            )
        return text

    def _say_types(self) -> _Say:
        known = dict(self.types)

        def say(reader: _Reader, subject: str, value: Any) -> None:
            for each in (value,) if isinstance(value, str) else value:
                type_ = known.get(each)
                if type_ is None:
                    type_ = known[each] = reader.iri(each)
                reader.lines.append(f"{subject} {_TYPE} {type_} .\n")

        return say

    def _term(self, key: str, definition: Any) -> _Say | None:
        if definition is None or key in self.aliases or key in self.prefixes:
            return None
        if isinstance(definition, str):
            return self._say(f"<{self._expand(definition)}>", None, None)
        if "@reverse" in definition:
            return self._say_reverse(f"<{self._expand(definition['@reverse'])}>", definition.get("@type") == "@id")
        if "@id" not in definition:
            raise Misconfigured(f"the context's {key!r} has no IRI", ja=f"コンテキストの {key!r} にIRIがありません")
        allowed = {"@id", "@type", "@container", "@prefix"}
        if unknown := definition.keys() - allowed:
            # What the compiled reader can't do must not be in the context, or the two readings would differ.
            raise Misconfigured(
                f"the context's {key!r} uses {', '.join(sorted(unknown))}, which the linked form does without",
                ja=f"コンテキストの {key!r} は {', '.join(sorted(unknown))} を使っていますが、リンク形式では使えません",
            )
        coercion = definition.get("@type")
        if coercion not in (None, "@id", "@json"):
            coercion = self._expand(coercion)
        return self._say(f"<{self._expand(definition['@id'])}>", coercion, definition.get("@container"))

    def _say_reverse(self, predicate: str, reference: bool) -> _Say:
        def say(reader: _Reader, subject: str, value: Any) -> None:
            other = reader.iri(value) if reference and isinstance(value, str) else reader.node(value)
            reader.lines.append(f"{other} {predicate} {subject} .\n")

        return say

    def _say(self, predicate: str, coercion: str | None, container: str | None) -> _Say:
        if container == "@language":
            return self._say_languages(predicate)
        if coercion == "@json":

            def say_json(reader: _Reader, subject: str, value: Any) -> None:
                reader.lines.append(f"{subject} {predicate} {_quoted(canonical(value).decode())}^^<{_RDF}JSON> .\n")

            return say_json
        literal = self._literal(coercion)
        reference = coercion == "@id"
        datatypes = self.types

        def say(reader: _Reader, subject: str, value: Any) -> None:
            kind = value.__class__
            if kind is str:
                told = reader.iri(value) if reference else literal(value)
            elif kind is dict:
                if "is" in value:
                    datatype = datatypes.get(value["@type"]) or f"<{self._expand(value['@type'])}>"
                    told = f"{_quoted(value['is'])}^^{datatype}"
                else:
                    told = reader.node(value)
            elif kind is list:
                for each in value:
                    say(reader, subject, each)
                return
            elif value is None:
                return
            else:
                told = literal(value)
            reader.lines.append(f"{subject} {predicate} {told} .\n")

        return say

    @staticmethod
    def _say_languages(predicate: str) -> _Say:
        def say(reader: _Reader, subject: str, value: Any) -> None:
            if value.__class__ is not dict:
                # A plain string under a language map is one without a language.
                for each in (value,) if isinstance(value, str) else value:
                    reader.lines.append(f"{subject} {predicate} {_quoted(each)} .\n")
                return
            for language, texts in value.items():
                tag = language.lower()
                for each in (texts,) if texts.__class__ is str else texts:
                    reader.lines.append(f"{subject} {predicate} {_quoted(each)}@{tag} .\n")

        return say

    @staticmethod
    def _literal(datatype: str | None) -> Callable[[Any], str]:
        typed = f"^^<{datatype}>" if datatype and datatype != "@id" and datatype != _XSD + "string" else ""
        double = datatype == _XSD + "double"

        def literal(value: Any) -> str:
            if value.__class__ is str:
                return _quoted(value) + typed
            if value is True or value is False:
                return f'"{"true" if value else "false"}"' + (typed or f"^^<{_XSD}boolean>")
            if double:
                return f'"{float(value)!r}"' + typed
            # JSON-LD: a number without a fraction is an integer, however it was written.
            if value == int(value) and abs(value) < 1e21:
                # Beyond 2^53 its shortest digits filled with zeros, as JavaScript writes it and so JSON-LD.
                digits = int(value) if abs(value) < 1e16 else format(Decimal(repr(value)), "f")
                return f'"{digits}"' + (typed or f"^^<{_XSD}integer>")
            return f'"{float(value)!r}"' + (typed or f"^^<{_XSD}double>")

        return literal


def _quoted(text: str) -> str:
    # What JSON escapes, and how, N-Triples reads alike.
    return orjson.dumps(text).decode()


_COMPILED: Final[WeakKeyDictionary[Kinds, _Compiled]] = WeakKeyDictionary()


def _compiled(kinds: Kinds) -> _Compiled:
    compiled = _COMPILED.get(kinds)
    if compiled is None:
        compiled = _COMPILED[kinds] = _Compiled(kinds.context)
    return compiled


def triples(kinds: Kinds, documents: Iterable[Mapping[str, Any]], base: str, *, strict: bool = False) -> bytes:
    """The documents' triples as N-Triples, by the compiled reader. `strict`: Malformed where an IRI breaks RFC 3987, too."""
    reader = _Reader(_compiled(kinds), base, strict)
    for document in documents:
        reader.node(document)
    return "".join(reader.lines).encode()


def json_ld(kinds: Kinds, documents: Iterable[Mapping[str, Any]]) -> bytes:
    """The documents as one JSON-LD text with the whole context in it."""
    return orjson.dumps({"@context": kinds.context, "@graph": list(documents)})


def read_by_engine(kinds: Kinds, documents: Iterable[Mapping[str, Any]], base: str) -> bytes:
    """The documents' triples as N-Triples, by Oxigraph's own reading of JSON-LD: what the compiled reader is held to."""
    store = pyoxigraph.Store()
    # Not serialize(parse(...)): that takes the interpreter's lock again for every quad.
    store.load(json_ld(kinds, documents), format=pyoxigraph.RdfFormat.JSON_LD, base_iri=base)
    out = BytesIO()
    store.dump(out, format=pyoxigraph.RdfFormat.N_TRIPLES, from_graph=pyoxigraph.DefaultGraph())
    return out.getvalue()


_LINE: Final = re.compile(rb"^<([^>]*)> <[^>]*> (?:<([^>]*)>)?", re.MULTILINE)


def check_triples(nt: bytes, base: str, links: Mapping[str, Iterable[Link]]) -> dict[str, list[Finding]]:
    """What is wrong with the triples of these records (their links by id): a subject outside them, or a link that is missing.

    Findings by record id; those about a subject that belongs to none of them stand under the subject's own IRI.
    """
    start = len(base)
    subjects: dict[str, None] = {}
    objects: dict[str, set[str]] = {id: set() for id in links}
    for found in _LINE.finditer(nt):
        subject = found.group(1).decode()
        subjects[subject] = None
        if target := found.group(2):
            owner = subject[start:].partition("#")[0]
            if owner in objects:
                objects[owner].add(target.decode())
    wrong: dict[str, list[Finding]] = {}
    for subject in subjects:
        if not subject.startswith(base) or subject[start:].partition("#")[0] not in objects:
            wrong.setdefault(subject, []).append(
                Finding(
                    "",
                    "graph/subject",
                    "violation",
                    {
                        "en": f"it would say something about {subject}, which is not this record",
                        "ja": f"このレコードではない {subject} についての記述になります",
                    },
                )
            )
    for id, expected in links.items():
        for link in expected:
            target = link.to if ":" in link.to else base + link.to
            if target not in objects[id]:
                wrong.setdefault(id, []).append(
                    Finding(
                        "/" + link.field.replace(".", "/"),
                        "graph/link",
                        "violation",
                        {
                            "en": f"the link to {link.to} is missing from its graph",
                            "ja": f"{link.to} へのリンクがグラフにありません",
                        },
                    )
                )
    return wrong
