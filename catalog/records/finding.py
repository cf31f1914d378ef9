"""One thing that is wrong with a submission, where, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["violation", "warning", "info"]
Breaks = Literal["nothing", "profile", "kind"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a submission (or a profile), and where.

    `pointer` is a JSON pointer into the body ("" is the whole body); `rule` names what was broken
    ("schema/required", "shapes/minCount", "unit", "link"); `breaks` says what it breaks: the kind or only the profile.
    """

    pointer: str
    rule: str
    severity: Severity
    messages: Mapping[str, str]
    breaks: Breaks = "kind"
    near: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The finding as it is stored and answered."""
        told: dict[str, Any] = {"pointer": self.pointer, "rule": self.rule, "severity": self.severity}
        told["breaks"] = self.breaks
        told["message"] = dict(self.messages)
        if self.near:
            told["near"] = list(self.near)
        return told


def finding_from(document: Mapping[str, Any]) -> Finding:
    """A finding read back from where it was stored."""
    return Finding(
        document["pointer"],
        document["rule"],
        document["severity"],
        document["message"],
        document["breaks"],
        tuple(document.get("near", ())),
    )
