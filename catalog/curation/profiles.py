"""Register profiles: proposed, tried on the records of older versions, published; never edited in place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from catalog.errors import Conflict, Forbidden, Invalid
from catalog.ledger.profiles import Profiles, ProfileVersion, Verdict
from catalog.questions.reader import Reader
from catalog.records.finding import Finding
from catalog.records.identifiers import split_id
from catalog.records.kinds import Kinds
from catalog.records.record import Submission
from catalog.validation.gate import Gate, Judged, Sources
from catalog.validation.profiles import CompiledProfile, compile_profile, profile_address

KEYS: Final = frozenset(("name", "kind", "title", "description", "schema", "shapes"))
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# A trial counts everything, and shows as many of what would break as a person will read.
SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class _Only:
    """A book of profiles that holds one proposal, so that the gate can be asked about it before it is published."""

    profile: CompiledProfile

    def find(self, reference: str) -> CompiledProfile | None:
        """The proposal, by its own name."""
        return self.profile if reference == self.profile.reference else None


def propose_profile(
    document: Mapping[str, Any],
    by: Reader,
    *,
    profiles: Profiles[CompiledProfile],
    kinds: Kinds,
    sources: Sources,
) -> ProfileVersion:
    """Examine a profile's next version, keep it, and try it on the records that have an older one."""
    _demand_administrator(by)
    _check_document(document)
    name, kind, shapes = document["name"], document["kind"], document.get("shapes")
    version = profiles.next_version(name)
    compiled = compile_profile(
        name, version, kind, document["schema"], shapes, kinds=kinds, registered=_others(profiles)
    )
    if latest := profiles.latest(name):
        submitted = orjson.dumps(document["schema"]).decode()
        if (latest.submitted, latest.shapes, latest.kind) == (submitted, shapes, kind):
            return latest
    stored = profiles.propose(
        name,
        kind,
        version=version,
        submitted=orjson.dumps(document["schema"]).decode(),
        schema=compiled.schema,
        shapes=shapes,
        title=document.get("title"),
        notes=compiled.notes,
        by=by.id,
    )
    return _try(stored, compiled, profiles=profiles, kinds=kinds, sources=sources)


def try_profile(
    reference: str,
    by: Reader,
    *,
    profiles: Profiles[CompiledProfile],
    kinds: Kinds,
    sources: Sources,
) -> ProfileVersion:
    """Hold a proposal against the records of its older versions; what would break is kept beside both."""
    _demand_administrator(by)
    stored = _known(reference, profiles)
    proposal = compile_profile(
        stored.name,
        stored.version,
        stored.kind,
        orjson.loads(stored.submitted),
        stored.shapes,
        kinds=kinds,
        registered=_others(profiles),
    )
    return _try(stored, proposal, profiles=profiles, kinds=kinds, sources=sources)


def _try(
    stored: ProfileVersion,
    proposal: CompiledProfile,
    *,
    profiles: Profiles[CompiledProfile],
    kinds: Kinds,
    sources: Sources,
) -> ProfileVersion:
    older = [each.reference for each in profiles.versions(stored.name) if each.version < stored.version]
    tried = broken = 0
    shown: list[dict[str, Any]] = []
    # A gate takes a third of a second to make, and a first version has nothing to be tried on.
    slices = (
        _judged(Gate(kinds, _Only(proposal), sources), profiles.bodies_of(older), stored.reference) if older else ()
    )
    for judged in slices:
        tried += len(judged)
        failed = [each for each in judged if each.breaks != "nothing"]
        broken += len(failed)
        profiles.give_verdicts(
            [Verdict(each.id, stored.reference, each.breaks == "nothing", each.findings) for each in judged]
        )
        shown += [
            {"id": each.id, "findings": [finding.document() for finding in each.findings]}
            for each in islice(failed, SHOWN - len(shown))
        ]
    profiles.note_trial(stored.reference, {"tried": tried, "broken": broken, "shown": shown})
    return _known(stored.reference, profiles)


def publish_profile(
    reference: str, by: Reader, *, profiles: Profiles[CompiledProfile], despite_broken: bool = False
) -> ProfileVersion:
    """Let a proposal judge from now on. Records keep the version that they name, whatever this one says of them."""
    _demand_administrator(by)
    stored = _known(reference, profiles)
    broken = int((stored.trial or {}).get("broken", 0))
    if broken and not despite_broken:
        raise Conflict(
            f"{broken} records of older versions would not keep {reference}: look at its trial, then publish despite it",
            ja=f"旧版の {broken} 件のレコードが {reference} に合いません。試行の結果を確認してから、あらためて公開してください",
        )
    return profiles.publish(reference, by=by.id)


def _judged(
    gate: Gate, slices: Iterator[list[tuple[str, dict[str, Any]]]], reference: str
) -> Iterator[Sequence[Judged]]:
    for slice in slices:
        submissions = []
        for id, body in slice:
            kind, source, local_id = split_id(id)
            submissions.append(Submission(kind, source, local_id, body, reference))
        yield gate.judge(submissions)


def _others(profiles: Profiles[CompiledProfile]) -> dict[str, Any]:
    """The schemas that a profile's `$ref` may lead to, by their addresses."""
    return {
        profile_address(each.name, each.version): each.schema
        for each in profiles.versions()
        if each.published_at is not None
    }


def _known(reference: str, profiles: Profiles[CompiledProfile]) -> ProfileVersion:
    found = profiles.version(reference)
    if found is None:
        near = difflib.get_close_matches(reference, [each.reference for each in profiles.versions()], n=3)
        hint, hint_ja = (
            (f"; did you mean {', '.join(near)}?", f"。{'、'.join(near)} のことですか") if near else ("", "")
        )
        raise Invalid(f"there is no profile {reference}{hint}", ja=f"プロファイル {reference} はありません{hint_ja}")
    return found


def _demand_administrator(by: Reader) -> None:
    if not by.administrator:
        raise Forbidden("only administrators register profiles", ja="プロファイルを登録できるのは管理者のみです")


def _check_document(document: Mapping[str, Any]) -> None:
    """The frame of a proposal; what is in its schema and shapes is examined by `compile_profile`."""
    found: list[Finding] = []

    def wrong(key: str, en: str, ja: str) -> None:
        found.append(Finding(f"/{key}", "profile/document", "violation", {"en": en, "ja": ja}, "profile"))

    for key in sorted(document.keys() - KEYS):
        allowed = ", ".join(sorted(KEYS))
        wrong(key, f"a profile has no '{key}'; it has {allowed}", f"プロファイルに「{key}」はありません（{allowed}）")
    name = document.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        wrong(
            "name",
            "a profile needs a name of small letters, digits and hyphens, such as nims-rde",
            "nims-rde のような、英小文字・数字・ハイフンの名前が必要です",
        )
    if not isinstance(document.get("kind"), str):
        wrong("kind", "a profile needs the kind that it narrows", "対象の種別が必要です")
    for key in ("title", "description"):
        told = document.get(key, {})
        if not isinstance(told, Mapping) or not all(isinstance(text, str) for text in told.values()):
            wrong(key, f"{key} must be texts by language", f"{key} は言語ごとの文字列です")
    if not isinstance(document.get("schema"), dict):
        wrong("schema", "a profile needs a JSON Schema, as an object", "JSON Schema のオブジェクトが必要です")
    if not isinstance(document.get("shapes", ""), str):
        wrong("shapes", "shapes must be SHACL as Turtle, in one text", "shapes は SHACL の Turtle を文字列で書きます")
    if found:
        raise Invalid(
            "this is not a profile that can be registered", found, ja="この内容ではプロファイルを登録できません"
        )
