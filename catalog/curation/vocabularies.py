"""Take in a vocabulary: its concepts become records of kind `term`, each under its own IRI.

What a file says wins, field by field and language by language; what it does not speak of stays as it was. So labels in
Japanese that were given here outlive every newer version of a vocabulary that has English ones only. Or it only fills
what is missing, as a selection does that came with the software: the whole vocabulary may be here already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from catalog.curation.submit import Intake, submit
from catalog.curation.vocabulary_files import Concept, LeftOut, Scheme
from catalog.ledger.append import Ledger, Outcome
from catalog.questions.reader import Reader
from catalog.records.identifiers import record_id
from catalog.records.record import Source, Submission
from catalog.records.shipped import shipped

BATCH: Final = 500
Progress = Callable[[int, int], None]


def unheard(done: int, of: int) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class Loaded:
    """What became of a file."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)
    dry_run: bool = False

    def document(self) -> dict[str, Any]:
        """As it is answered."""
        told: dict[str, Any] = {"counts": dict(sorted(self.counts.items()))}
        told["leftOut"] = [each.document() for each in self.left_out]
        told["refused"] = [outcome.document() for outcome in self.refused]
        return {**told, "dryRun": True} if self.dry_run else told


@dataclass(frozen=True, slots=True)
class ShippedVocabulary:
    """A vocabulary that came with the software, and the source and scope that it is to be registered under."""

    name: str
    file: Path
    title: Mapping[str, str]
    licence: str
    source: Mapping[str, Any]
    scope: Mapping[str, Any]


def shipped_vocabularies() -> tuple[ShippedVocabulary, ...]:
    """The vocabularies that came with the software, by name."""
    made = []
    for about in sorted((shipped() / "ontologies" / "vocabularies").glob("*.json")):
        told = orjson.loads(about.read_bytes())
        made.append(
            ShippedVocabulary(
                about.stem,
                about.with_suffix(".ttl"),
                told["title"],
                told["licence"],
                told["source"],
                told["scope"],
            )
        )
    return tuple(made)


def load_vocabulary(
    scheme: Scheme,
    source: str,
    by: Reader,
    *,
    intake: Intake,
    scope: str | None = None,
    fill: bool = False,
    dry_run: bool = False,
    progress: Progress = unheard,
) -> Loaded:
    """Register every concept of a file as a term of the source; the same again changes nothing.

    `fill` leaves whatever a term says already as it is.
    """
    loaded = Loaded(left_out=list(scheme.left_out), dry_run=dry_run)
    of = intake.sources.get(source)
    named: dict[str, str] = {}
    for iri in scheme.concepts:
        if (local := _local_id(iri, of)) is not None:
            named[iri] = local
        else:
            loaded.left_out.append(_no_prefix(iri, of))
    elsewhere = {
        iri: id for iri, id in intake.ledger.terms_named(named).items() if id != record_id("term", of.id, named[iri])
    }
    # What is here under both sources already stays so: only a person can say which of the two goes.
    own = intake.ledger.known([record_id("term", of.id, named[iri]) for iri in elsewhere])
    for iri, id in elsewhere.items():
        if record_id("term", of.id, named[iri]) not in own:
            del named[iri]
            loaded.left_out.append(_elsewhere(iri, id, of))
    for ring in _rings(scheme.concepts):
        loaded.left_out.append(_ring(ring))
    order = [iri for iri in _parents_first(scheme.concepts) if iri in named]
    for first in range(0, len(order), BATCH):
        some = order[first : first + BATCH]
        bodies = _bodies([record_id("term", of.id, named[iri]) for iri in some], intake.ledger)
        made = [_submission(scheme.concepts[iri], named, of, scope, fill, bodies) for iri in some]
        for outcome in submit(made, by, intake=intake, dry_run=dry_run):
            loaded.counts[outcome.outcome] += 1
            if outcome.outcome not in ("created", "revised", "unchanged"):
                loaded.refused.append(outcome)
        progress(min(first + BATCH, len(order)), len(order))
    return loaded


# ---------------------------------------------------------------------------------------------------- into records


def _local_id(iri: str, source: Source) -> str | None:
    """What of an IRI follows the longest prefix of the source that it begins with."""
    fitting = [base for base in source.prefixes.values() if iri.startswith(base) and len(iri) > len(base)]
    return iri[len(max(fitting, key=len)) :] if fitting else None


def _namespace(iri: str, local_id: str) -> str:
    return iri.removesuffix(local_id)


def _bodies(ids: Sequence[str], ledger: Ledger) -> dict[str, Mapping[str, Any]]:
    """What these records say now, by id: in one look, but for the few that are too long for it or are not shown as they are."""
    found: dict[str, Mapping[str, Any]] = {}
    for id, known in ledger.known(ids).items():
        body = orjson.loads(known.body) if known.body is not None else ledger.body(id)
        if isinstance(body, dict):
            found[id] = body
    return found


def _submission(
    concept: Concept,
    named: Mapping[str, str],
    source: Source,
    scope: str | None,
    fill: bool,
    bodies: Mapping[str, Mapping[str, Any]],
) -> Submission:
    local_id = named[concept.iri]
    old = bodies.get(record_id("term", source.id, local_id), {})
    body = dict(old)
    for name, told in (("title", concept.labels), ("labels", concept.labels), ("definition", concept.definition)):
        if texts := _together(old.get(name, {}), told, fill):
            body[name] = texts
    others = {tag: texts for tag, texts in concept.others.items() if texts}
    if others := _together(old.get("alternateLabels", {}), others, fill):
        body["alternateLabels"] = others
    own = {"scheme": "iri", "value": concept.iri, "primary": True}
    kept = [each for each in old.get("identifiers", []) if each.get("scheme") != "iri"]
    body["identifiers"] = [own, *kept]
    for name, own_text, otherwise in (
        ("vocabulary", concept.scheme, _namespace(concept.iri, local_id)),
        ("notation", concept.notation, local_id),
    ):
        first, second = (old.get(name), own_text) if fill else (own_text, old.get(name))
        body[name] = first or second or otherwise
    # Where a file ends, an installation may have gone on: its top terms may stand below those of another vocabulary.
    ends = [_end(iri, named, source) for iri in concept.broader]
    if ends and not (fill and old.get("broader")):
        body["broader"] = _as_it_was(ends, old.get("broader", []))
    for name, iris in (
        ("exactMatch", concept.exact),
        ("closeMatch", concept.close),
        ("replacedBy", concept.replaced_by),
    ):
        links = old.get(name, [])
        there = {link if isinstance(link, str) else link["to"] for link in links}
        if more := [end for end in dict.fromkeys(_end(iri, named, source) for iri in iris) if end not in there]:
            body[name] = [*links, *more]
    if more := [iri for iri in dict.fromkeys(concept.see_also) if iri not in old.get("seeAlso", [])]:
        body["seeAlso"] = [*old.get("seeAlso", []), *more]
    if concept.deprecated:
        body["deprecated"] = True
    return Submission("term", source.id, local_id, body, scope=scope)


def _together(old: Mapping[str, Any], told: Mapping[str, Any], fill: bool) -> dict[str, Any]:
    """Texts by language, of which one side wins: in their old order, so that the same again is the same."""
    return {tag: told[tag] if tag in told and not (fill and tag in old) else text for tag, text in old.items()} | {
        tag: text for tag, text in told.items() if tag not in old
    }


def _as_it_was(ends: Sequence[str], links: Sequence[Any]) -> list[Any]:
    """The links that are meant: those that were there as they were, the new ones behind them."""
    wanted = dict.fromkeys(ends)
    kept = [link for link in links if (link if isinstance(link, str) else link["to"]) in wanted]
    there = {link if isinstance(link, str) else link["to"] for link in kept}
    return [*kept, *(end for end in wanted if end not in there)]


def _end(iri: str, named: Mapping[str, str], source: Source) -> str:
    """A link's target: the record of a concept of this vocabulary, the IRI of any other."""
    return record_id("term", source.id, named[iri]) if iri in named else iri


def _parents_first(concepts: Mapping[str, Concept]) -> Iterator[str]:
    done: set[str] = set()
    for start in concepts:
        waiting = [(start, False)]
        entered: set[str] = set()
        while waiting:
            iri, ready = waiting.pop()
            if iri in done:
                continue
            if ready:
                done.add(iri)
                yield iri
            elif iri not in entered:
                entered.add(iri)
                waiting.append((iri, True))
                waiting += [(above, False) for above in concepts[iri].broader if above in concepts]


def _rings(concepts: Mapping[str, Concept]) -> list[tuple[str, ...]]:
    """Concepts that are above themselves, each ring once."""
    rings: list[tuple[str, ...]] = []
    state: dict[str, int] = {}  # 1: on the way, 2: done
    for start in concepts:
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            iri, leaving = waiting.pop()
            if leaving:
                state[iri] = 2
                path.pop()
            elif state.get(iri) == 1:
                rings.append(tuple(path[path.index(iri) :]))
            elif iri not in state:
                state[iri] = 1
                path.append(iri)
                waiting.append((iri, True))
                waiting += [(above, False) for above in concepts[iri].broader if above in concepts]
    return rings


def _no_prefix(iri: str, source: Source) -> LeftOut:
    known = ", ".join(sorted(source.prefixes.values())) or "-"
    return LeftOut(
        iri,
        {
            "en": f"no prefix of the source {source.id} begins this IRI (it has {known}); register the source with one",
            "ja": f"登録元 {source.id} の接頭辞（{known}）で始まらないIRIです。接頭辞を加えて登録元を登録し直してください",
        },
    )


def _elsewhere(iri: str, id: str, source: Source) -> LeftOut:
    other = id.split("/")[1]
    return LeftOut(
        iri,
        {
            "en": f"this is here already as {id}, of the source {other}; a second term of {source.id} would stand beside it for the same: "
            f"load the file with --source {other}",
            "ja": f"登録元 {other} の {id} として登録済みです。{source.id} に登録すると同じ用語が二つになります。"
            f"--source {other} で読み込んでください",
        },
    )


def _ring(ring: Sequence[str]) -> LeftOut:
    said = " → ".join((*ring, ring[0]))
    return LeftOut(
        said,
        {
            "en": "these are each above the others, in a ring: they are taken in as they stand, and each finds all of them",
            "ja": "上位語が循環しています。そのまま登録しますが、どれを検索しても全部が見つかります",
        },
    )
