"""What a submission carries of what its source said, and what of it would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from catalog.records.record import Submission
from catalog.validation.gate import Judged
from tests.unit.validation.shipped_gate import gate

BATCH = 500


def squeezed(text: str) -> str:
    """A text with runs of white space as one blank."""
    return " ".join(text.split())


def leaves(value: Any) -> Iterable[Any]:
    """Every text, number and truth value in a document."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from leaves(inner)
    elif value is not None:
        yield value


def as_number(text: str) -> float | None:
    """The number that a text is, if it is one."""
    try:
        return float(text)
    except ValueError:
        return None


class Carried:
    """The values of a submission's body, files and local id; a link's local id and a term's own word count as values."""

    def __init__(self, submission: Submission) -> None:
        self.texts: set[str] = {squeezed(submission.local_id or "")}
        self.numbers: set[float] = set()
        for leaf in leaves([submission.body, list(submission.files)]):
            if isinstance(leaf, bool):
                self.texts.add(str(leaf).lower())
            elif isinstance(leaf, int | float):
                self.numbers.add(float(leaf))
            else:
                for paragraph in (leaf, *leaf.split("\n\n")):
                    self._take(paragraph)

    def _take(self, text: str) -> None:
        told = squeezed(text)
        self.texts.add(told)
        if told.count("/") >= 2 and " " not in told:
            # kind/source/localId, or an IRI with its words.
            self.texts.add(unquote(told.split("/", 2)[2]))
            self.texts.update(told.split("/"))
        if ":" in told:
            self.texts.add(told.partition(":")[2])

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool):
            return str(value).lower() in self.texts
        if isinstance(value, int | float):
            return float(value) in self.numbers or str(value) in self.texts
        text = squeezed(str(value))
        return text in self.texts or ((number := as_number(text)) is not None and number in self.numbers)


def lost(values: Iterable[Any], submission: Submission) -> list[Any]:
    """The values that the submission does not carry."""
    carried = Carried(submission)
    return sorted((value for value in values if value not in carried), key=str)


def judged(submissions: Sequence[Submission]) -> list[Judged]:
    """The gate's verdicts, a batch at a time."""
    found: list[Judged] = []
    for start in range(0, len(submissions), BATCH):
        found.extend(gate().judge(submissions[start : start + BATCH]))
    return found


def broken(verdicts: Iterable[Judged]) -> dict[str, list[tuple[str, str]]]:
    """The findings of each record that has any, by its local id: pointer and rule."""
    return {
        str(verdict.submission.local_id): [(finding.pointer, finding.rule) for finding in verdict.findings]
        for verdict in verdicts
        if verdict.findings
    }


def kept_their_kind(verdicts: Iterable[Judged]) -> bool:
    """Whether every record could be stored; what broke its kind is shown by the assertion that fails here."""
    for verdict in verdicts:
        assert verdict.breaks != "kind", (verdict.id, [(f.pointer, f.messages["en"]) for f in verdict.findings])
        assert verdict.linked is not None
    return True
