"""The gate: what a submission must be to become a record, decided for a batch and told for each."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema_rs

from catalog.errors import CatalogError, Misconfigured
from catalog.records.canonical import content_hash
from catalog.records.dates import is_date
from catalog.records.finding import Breaks, Finding
from catalog.records.identifiers import mint_local_id, record_id
from catalog.records.kinds import Field, Kind, Kinds
from catalog.records.linked import Linked, link_up
from catalog.records.quantities import SHIPPED, Units
from catalog.records.record import Source, Submission
from catalog.records.triples import triples
from catalog.validation.compiled_shapes import Context, ShapeCompiler
from catalog.validation.profiles import CompiledProfile
from catalog.validation.schema import Library, SchemaJudge, compile_schema, pointer_to, registry_of
from catalog.validation.second_opinion import Crosscheck, Late, SecondOpinion
from catalog.validation.shapes import Broken, Shapes, Unreadable, apart_by_links, record_of, sees_beyond_links
from catalog.validation.wording import listed, near_spellings

log = logging.getLogger(__name__)

# Graphs are made for judging only; nothing of this address is kept.
BASE = "https://gate.invalid/"

FORMATS = {"edtf": is_date}


class Profiles(Protocol):
    """Where profiles are found by name and version: "nims-rde@1"."""

    def find(self, reference: str) -> CompiledProfile | None: ...


class Sources(Protocol):
    """Where sources are found by id."""

    def find(self, id: str) -> Source | None: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A submission with everything that the gate found out about it; `breaks` is its worst violation."""

    submission: Submission
    id: str
    hash: str
    linked: Linked | None
    findings: tuple[Finding, ...]
    breaks: Breaks


@dataclass(frozen=True, slots=True)
class ShapesJudge:
    """Shapes with the schema that was compiled from them: a quick yes, and the whole answer behind it."""

    shapes: Shapes
    quick: jsonschema_rs.Validator | None
    breaks: Breaks
    alone: bool

    def accepts(self, document: Mapping[str, Any]) -> bool:
        """Whether the shapes surely accept this linked form; if not, its graph decides."""
        return self.quick is not None and self.quick.is_valid(document)


@dataclass(frozen=True, slots=True)
class KindJudge:
    """All that is asked of records of one kind."""

    kind: Kind
    schema: SchemaJudge
    shapes: ShapesJudge | None


def judge_of_shapes(compiler: ShapeCompiler, kind: Kind, shapes: Shapes, breaks: Breaks) -> ShapesJudge:
    """Shapes made ready for records of a kind."""
    compiled = compiler.schema_for(kind)
    quick = None if compiled is False else compile_schema(compiled, format_means="annotation")
    return ShapesJudge(shapes, quick, breaks, sees_beyond_links(shapes.statements))


class Gate:
    """Judges submissions. It keeps nothing but what was compiled, so any number of threads may use one."""

    def __init__(
        self,
        kinds: Kinds,
        profiles: Profiles,
        sources: Sources,
        *,
        second_opinion: SecondOpinion | None = None,
        crosscheck: Crosscheck | None = None,
        units: Units = SHIPPED,
    ) -> None:
        self._kinds = kinds
        self._profiles = profiles
        self._sources = sources
        self._second_opinion = second_opinion
        self._crosscheck = crosscheck
        self._units = units
        self._context = Context(kinds.context)
        library = Library(kinds.schemas)
        registry = registry_of(kinds.schemas)
        turtle = b"\n".join(kinds.shapes.values())
        try:
            shapes = Shapes(turtle) if turtle.strip() else None
        except Unreadable as problem:
            raise Misconfigured(
                f"the kinds' shapes (ontologies/shapes) are not readable: {problem}",
                ja=f"種別のシェイプ（ontologies/shapes）が読めません: {problem}",
            ) from problem
        compiler = ShapeCompiler(shapes.statements, kinds.context) if shapes else None
        self._judges: dict[str, KindJudge] = {}
        for name, kind in kinds.items():
            address = str(kind.schema["$id"])
            try:
                validator = compile_schema(dict(kind.schema), registry=registry, formats=FORMATS)
            except jsonschema_rs.ValidationError as problem:
                raise Misconfigured(
                    f"the schema of the kind {name!r} is not valid: {problem.message}",
                    ja=f"種別 {name!r} のスキーマが正しくありません: {problem.message}",
                ) from problem
            schema = SchemaJudge(kind.schema, address, library, validator, "kind")
            judged = judge_of_shapes(compiler, kind, shapes, "kind") if shapes and compiler else None
            self._judges[name] = KindJudge(kind, schema, judged)
        self._profile_shapes: dict[str, tuple[CompiledProfile, ShapesJudge]] = {}

    def judge(self, submissions: Sequence[Submission]) -> list[Judged]:
        """The verdict on each submission; none depends on what else is in the batch."""
        trials = [self._begin(submission) for submission in submissions]
        self._ask_shapes(trials)
        verdicts = [trial.verdict() for trial in trials]
        if self._crosscheck is not None:
            self._crosscheck.consider(verdicts)
        return verdicts

    # -- one by one ---------------------------------------------------------------------------------------------------

    def _begin(self, submission: Submission) -> _Trial:
        if submission.local_id is None:
            submission = dataclasses.replace(submission, local_id=mint_local_id())
        trial = _Trial(submission)
        judge = self._judges.get(submission.kind)
        source = self._sources.find(submission.source)
        try:
            trial.id = record_id(submission.kind, submission.source, submission.local_id or "")
            trial.hash = content_hash(submission)
        except CatalogError as problem:
            trial.findings.append(Finding("", "envelope", "violation", problem.messages))
            return trial
        if judge is None:
            trial.findings.append(_unknown_kind(submission.kind, tuple(self._judges)))
        if source is None:
            trial.findings.append(_unknown_source(submission.source))
        if judge is None or source is None:
            return trial
        trial.judge = judge
        keeps_kind = judge.schema.accepts(submission.body)
        if not keeps_kind:
            broken = judge.schema.findings(submission.body)
            trial.findings.extend(broken)
            trial.findings.extend(self._findings_beside(broken, trial, judge, source))
        if submission.profile is not None:
            self._hold_to_profile(trial, submission.profile)
        if not keeps_kind:
            return trial
        trial.linked = link_up(judge.kind, trial.id, dict(submission.body), source.prefixes, source.zone, self._units)
        if trial.linked.findings:
            trial.findings.extend(trial.linked.findings)
        return trial

    def _findings_beside(
        self, broken: Sequence[Finding], trial: _Trial, judge: KindJudge, source: Source
    ) -> tuple[Finding, ...]:
        """What is wrong with units, dates and terms in the fields that keep the schema, so that all is told at once."""
        named = {finding.pointer.split("/")[1] for finding in broken if finding.pointer}
        sound = {name: value for name, value in trial.submission.body.items() if pointer_to([name])[1:] not in named}
        if not judge.schema.accepts(sound):
            return ()
        return link_up(judge.kind, trial.id, sound, source.prefixes, source.zone, self._units).findings

    def _hold_to_profile(self, trial: _Trial, reference: str) -> None:
        profile = self._profiles.find(reference)
        if profile is None:
            trial.findings.append(_unknown_profile(reference))
            return
        if profile.kind != trial.submission.kind:
            trial.findings.append(_profile_of_another_kind(profile, trial.submission.kind))
            return
        trial.profile = profile
        if not profile.judge.accepts(trial.submission.body):
            trial.findings.extend(profile.judge.findings(trial.submission.body))

    # -- shapes, by the batch -----------------------------------------------------------------------------------------

    def _ask_shapes(self, trials: Sequence[_Trial]) -> None:
        waiting: dict[int, tuple[ShapesJudge, list[_Trial]]] = {}
        for trial in trials:
            if trial.linked is None or trial.judge is None:
                continue
            for judge in (trial.judge.shapes, self._shapes_of(trial.profile)):
                if judge is not None and not judge.accepts(trial.linked.document):
                    waiting.setdefault(id(judge.shapes), (judge, []))[1].append(trial)
        for judge, doubtful in waiting.values():
            self._decide(judge, doubtful)

    def _shapes_of(self, profile: CompiledProfile | None) -> ShapesJudge | None:
        if profile is None or profile.shapes is None:
            return None
        made = self._profile_shapes.get(profile.reference)
        if made is None or made[0] is not profile:
            compiler = ShapeCompiler(profile.shapes.statements, self._kinds.context)
            made = (profile, judge_of_shapes(compiler, self._kinds[profile.kind], profile.shapes, "profile"))
            self._profile_shapes[profile.reference] = made
        return made[1]

    def _decide(self, judge: ShapesJudge, doubtful: Sequence[_Trial]) -> None:
        """Let the graph of each doubtful record decide, several in one graph where they cannot see each other."""
        by_id: dict[str, list[_Trial]] = {}
        for trial in doubtful:
            by_id.setdefault(trial.id, []).append(trial)
        # A record may come twice in one batch, with different content: never in one graph.
        while by_id:
            turn = {record: trials.pop() for record, trials in by_id.items()}
            by_id = {record: trials for record, trials in by_id.items() if trials}
            links = [(record, [link.to for link in _linked(trial).links]) for record, trial in turn.items()]
            groups = [[record] for record, _ in links] if judge.alone else list(apart_by_links(links))
            for group in groups:
                documents = [_linked(turn[record]).document for record in group]
                graph = triples(self._kinds, documents, BASE)
                broken = judge.shapes.broken(graph)
                if broken:
                    self._tell(judge, graph, [one for one in broken if _own(one, group)], turn)

    def _tell(self, judge: ShapesJudge, graph: bytes, broken: Sequence[Broken], turn: Mapping[str, _Trial]) -> None:
        explained: Mapping[tuple[str, str | None], str] = {}
        if self._second_opinion is not None and any(not one.messages for one in broken):
            try:
                explained = self._second_opinion.explain(judge.shapes.turtle, graph)
            except Late as late:
                log.info("no explanation by pyshacl: %s", late)
        for one in broken:
            trial = turn[record_of(one.focus).removeprefix(BASE)]
            messages = one.messages
            if not messages:
                said = explained.get((one.focus, one.path)) or one.engine_message
                messages = {"en": f"A shape is broken: {said}", "ja": f"シェイプに反しています：{said}"}
            pointer = self._pointer(trial, one)
            # A unit that is unknown has no place in the graph, and the shapes miss it: that was told already.
            if pointer and any(finding.pointer.startswith(pointer + "/") for finding in _linked(trial).findings):
                continue
            finding = Finding(pointer, f"shapes/{one.constraint}", one.severity, dict(messages), judge.breaks)
            if finding not in trial.findings:
                trial.findings.append(finding)

    def _pointer(self, trial: _Trial, broken: Broken) -> str:
        """The place in the body that a node and a predicate of its graph come from."""
        fragment = broken.focus.removeprefix(BASE)
        pointer = "" if fragment == trial.id else _linked(trial).pointers.get(fragment, "")
        value: Any = trial.submission.body
        fields: Sequence[Field] = self._kinds[trial.submission.kind].fields
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list):
                value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
                continue
            value = value.get(step) if isinstance(value, dict) else None
            fields = next((field.fields for field in fields if field.name == step), ())
        if broken.path is None or not isinstance(value, dict):
            return pointer
        keys = {term.key for term in self._context.terms.values() if term.predicate == broken.path}
        named = [field.name for field in fields if field.linked in keys]
        present = [name for name in named if name in value] or named[:1]
        if len(present) != 1:
            return pointer
        pointer += pointer_to([present[0]])
        items = value.get(present[0])
        if isinstance(items, list) and broken.value is not None:
            texts = [
                index
                for index, item in enumerate(items)
                if isinstance(item, str) and broken.value in (f'"{item}"', f"<{item}>", f"<{BASE}{item}>")
            ]
            if len(texts) == 1:
                pointer += f"/{texts[0]}"
        return pointer


class _Trial:
    """One submission while it is judged."""

    __slots__ = ("findings", "hash", "id", "judge", "linked", "profile", "submission")

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.id = ""
        self.hash = ""
        self.judge: KindJudge | None = None
        self.profile: CompiledProfile | None = None
        self.linked: Linked | None = None
        self.findings: list[Finding] = []

    def verdict(self) -> Judged:
        breaks: Breaks = "nothing"
        if self.findings:
            broken = {finding.breaks for finding in self.findings if finding.severity == "violation"}
            breaks = "kind" if "kind" in broken else "profile" if "profile" in broken else "nothing"
        linked = None if breaks == "kind" else self.linked
        return Judged(self.submission, self.id, self.hash, linked, tuple(self.findings), breaks)


def _linked(trial: _Trial) -> Linked:
    assert trial.linked is not None  # only those that have one are asked for
    return trial.linked


def _own(broken: Broken, group: Sequence[str]) -> bool:
    """Whether it speaks of a record that was asked about, not of what one links to."""
    return record_of(broken.focus).removeprefix(BASE) in group


def _unknown_kind(name: str, known: Sequence[str]) -> Finding:
    near = near_spellings(name, known)
    return Finding(
        "",
        "kind",
        "violation",
        {
            "en": f'There is no kind "{name}". The kinds are {listed(sorted(known), most=30)}.',
            "ja": f"「{name}」という種別はありません。種別は {listed(sorted(known), most=30)} です。",
        },
        "kind",
        near,
    )


def _unknown_source(name: str) -> Finding:
    return Finding(
        "",
        "source",
        "violation",
        {
            "en": f'The source "{name}" is not registered. Register it first, or correct its name.',
            "ja": f"登録元「{name}」は登録されていません。先に登録するか、名前を直してください。",
        },
    )


def _unknown_profile(reference: str) -> Finding:
    return Finding(
        "",
        "profile",
        "violation",
        {
            "en": f'The profile "{reference}" is not published here. A profile is named with its version, such as "nims-rde@1".',
            "ja": f"プロファイル「{reference}」は公開されていません。「nims-rde@1」のように版を付けて書きます。",
        },
        "profile",
    )


def _profile_of_another_kind(profile: CompiledProfile, kind: str) -> Finding:
    return Finding(
        "",
        "profile",
        "violation",
        {
            "en": f'The profile "{profile.reference}" is for records of the kind "{profile.kind}", and this one is a {kind}.',
            "ja": f"プロファイル「{profile.reference}」は種別「{profile.kind}」のためのもので、これは「{kind}」です。",
        },
        "profile",
    )
