"""SHACL: shapes read once, graphs decided by the batch, and what was refused named by record, place and reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations

import pyoxigraph as ox
import shifty

from catalog.records.finding import Severity

SH = "http://www.w3.org/ns/shacl#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
XSD = "http://www.w3.org/2001/XMLSchema#"

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Resource = ox.NamedNode | ox.BlankNode

TARGETS = ("targetClass", "targetObjectsOf", "targetSubjectsOf", "targetNode")


class Unreadable(ValueError):
    """The text is no Turtle, or its shapes contradict SHACL's own grammar."""


@dataclass(frozen=True, slots=True)
class Statements:
    """A small graph in memory, asked by subject and predicate."""

    by_subject: Mapping[Resource, Mapping[str, tuple[Term, ...]]]
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def values(self, subject: Resource, predicate: str) -> tuple[Term, ...]:
        """Every object of a subject and predicate."""
        return self.by_subject.get(subject, {}).get(predicate, ())

    def resources(self, subject: Resource, predicate: str) -> tuple[Resource, ...]:
        """The objects that are no literals."""
        return tuple(value for value in self.values(subject, predicate) if not isinstance(value, ox.Literal))

    def one(self, subject: Resource, predicate: str) -> Term | None:
        """The object of a predicate that is said once, or None."""
        found = self.values(subject, predicate)
        return found[0] if found else None

    def members(self, head: Term | None) -> tuple[Term, ...]:
        """The members of an RDF list; a ring ends where it closes."""
        members: list[Term] = []
        seen: set[Resource] = set()
        while isinstance(head, ox.NamedNode | ox.BlankNode) and head not in seen:
            seen.add(head)
            members.extend(self.values(head, RDF + "first")[:1])
            head = self.one(head, RDF + "rest")
        return tuple(members)


def read_statements(turtle: bytes) -> Statements:
    """Turtle as statements; raises Unreadable, with the line, where it is none."""
    parser = ox.parse(turtle, format=ox.RdfFormat.TURTLE, base_iri="urn:musubi:shapes")
    collected: dict[Resource, dict[str, list[Term]]] = {}
    try:
        for quad in parser:
            if isinstance(quad.subject, ox.NamedNode | ox.BlankNode) and isinstance(
                quad.object, ox.NamedNode | ox.BlankNode | ox.Literal
            ):
                collected.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(quad.object)
    except (SyntaxError, ValueError) as problem:
        raise Unreadable(str(problem)) from problem
    return Statements(
        {subject: {name: tuple(objects) for name, objects in said.items()} for subject, said in collected.items()},
        dict(parser.prefixes),
    )


@dataclass(frozen=True, slots=True)
class Broken:
    """One reason for which a node was refused. `path` is the predicate where the shape's path is a single one."""

    focus: str
    path: str | None
    value: str | None
    constraint: str
    severity: Severity
    messages: Mapping[str, str]
    engine_message: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the author of a property shape wrote for people, and the path that it speaks of."""

    messages: Mapping[str, str]
    path: str | None


_SEVERITIES: dict[str, Severity] = {"Violation": "violation", "Warning": "warning", "Info": "info"}
_RELATIONAL = re.compile(r"^\w+\((.+?)(?:,|\)$)")


class Shapes:
    """Shapes ready to decide. Safe to share among threads; the engine lets go of the interpreter's lock."""

    def __init__(self, turtle: bytes) -> None:
        self.turtle = turtle
        self.statements = read_statements(turtle)
        try:
            # Always bytes: a str may be taken for a file, or fetched from the web.
            self._engine = shifty.PreparedValidator(turtle)
        except (ValueError, RuntimeError) as problem:
            raise Unreadable(str(problem)) from problem
        self.diagnostics: tuple[str, ...] = tuple(self._engine.diagnostics)
        self._said = dict(_sayings(self.statements))

    def broken(self, graph: bytes) -> tuple[Broken, ...]:
        """Every reason for which a graph (N-Triples or Turtle) is not as the shapes want it; empty if it is."""
        answer = self._engine.validate_algebra(graph, graph_mode="data", infer=False)
        return tuple(
            self._reason(violation.focus_node, reason)
            for violation in answer.violations
            for reason in violation.reasons
        )

    def _reason(self, focus: str, reason: shifty.Reason) -> Broken:
        said = self._said.get(reason.author_message or "", Said({}, None))
        path = self._predicate(reason.path)
        if path is None and (named := _RELATIONAL.match(reason.constraint.render)):
            path = self._predicate(named.group(1))
        return Broken(
            focus=focus[1:-1] if focus.startswith("<") else focus,
            path=path or said.path,
            value=reason.value if reason.value != focus else None,
            constraint=_constraint_name(reason),
            severity=_SEVERITIES.get(reason.severity, "violation"),
            messages=said.messages,
            engine_message=reason.author_message or reason.message,
        )

    def _predicate(self, compact: str | None) -> str | None:
        """A predicate out of the engine's short way to write paths; None for any longer path."""
        if not compact:
            return None
        if compact.startswith("<") and compact.endswith(">"):
            return compact[1:-1]
        prefix, colon, name = compact.partition(":")
        if colon and prefix in self.statements.prefixes and not re.search(r"[/|^*+?()\s]", name):
            return self.statements.prefixes[prefix] + name
        return None


_CONSTRAINTS = {
    "Cardinality": "count",
    "ClassMembership": "class",
    "Closed": "closed",
    "Disjoint": "disjoint",
    "Disjunction": "or",
    "Equals": "equals",
    "Expression": "expression",
    "LessThan": "lessThan",
    "LessThanOrEquals": "lessThanOrEquals",
    "Negation": "not",
    "NodeKind": "nodeKind",
    "Sparql": "sparql",
    "UniqueLang": "uniqueLang",
    "ValueType": "value",
}


def _constraint_name(reason: shifty.Reason) -> str:
    kind = str(reason.constraint_kind).rpartition(".")[2]
    if kind == "Cardinality" and reason.observed_count is None:
        # The engine counts the values that do not fit; there may be none.
        return "value"
    if kind == "Cardinality":
        return (
            "minCount"
            if "[0.." not in reason.constraint.render and "[.." not in reason.constraint.render
            else "maxCount"
        )
    return _CONSTRAINTS.get(kind, kind[:1].lower() + kind[1:])


def _sayings(statements: Statements) -> Iterator[tuple[str, Said]]:
    """What authors wrote, by the text that the engine makes of it."""
    for subject in statements.by_subject:
        texts = [text for text in statements.values(subject, SH + "message") if isinstance(text, ox.Literal)]
        if not texts:
            continue
        messages = {(text.language or "en"): text.value for text in texts}
        messages.setdefault("en", next(iter(messages.values())))
        messages.setdefault("ja", messages["en"])
        path = statements.one(subject, SH + "path")
        said = Said(messages, path.value if isinstance(path, ox.NamedNode) else None)
        # The engine joins them in an order of its own.
        for order in permutations([text.value for text in texts]) if len(texts) <= 4 else ():
            yield "; ".join(order), said


def record_of(focus: str) -> str:
    """The record that a node belongs to: itself, or what stands before the # of a fragment."""
    return focus.partition("#")[0]


def apart_by_links(links: Iterable[tuple[str, Iterable[str]]]) -> Iterator[list[str]]:
    """Groups of records of which none links to another of its group.

    A shape that looks at a link's target must find as little there as if the record were judged alone.
    """
    targets = {record: set(to) for record, to in links}
    groups: list[tuple[list[str], set[str]]] = []
    for record, to in targets.items():
        for members, pointed_at in groups:
            if record not in pointed_at and to.isdisjoint(members):
                members.append(record)
                pointed_at |= to
                break
        else:
            groups.append(([record], set(to)))
    for members, _ in groups:
        yield members


def sees_beyond_links(statements: Statements) -> bool:
    """Whether a shape walks more than one step, or backwards: then only a graph of one record says what it says alone."""
    return any(
        not isinstance(path, ox.NamedNode)
        for subject in statements.by_subject
        for path in statements.values(subject, SH + "path")
    )
