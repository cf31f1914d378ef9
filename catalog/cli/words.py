"""What commands say, in the language that the terminal asks for."""

from __future__ import annotations

import sys
from typing import Any, Final

import click
import orjson

from catalog.errors import CatalogError, Invalid
from catalog.records.finding import Finding
from catalog.settings import language

LANGUAGE: Final = language()
# Under which a command's context remembers that it was asked for JSON, also when it ends in an error.
AS_JSON: Final = "catalog.as_json"


def t(en: str, ja: str) -> str:
    """The one of two sayings that is in the terminal's language."""
    return ja if LANGUAGE == "ja" else en


def tell(text: str) -> None:
    """Say something about the work to whoever watches it; answers go to standard output, this does not."""
    click.echo(text, err=True)


def answer(document: Any) -> None:
    """One JSON document on a line of standard output, in UTF-8 whatever the terminal speaks."""
    put(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def put(data: bytes) -> None:
    """Bytes as they are, after what was said before them."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def by_language(texts: Any) -> str:
    """A text by language as one text: the terminal's language, then the other, then any."""
    if not isinstance(texts, dict) or not texts:
        return "" if texts is None or texts == {} else str(texts)
    for wanted in (LANGUAGE, "en", "ja"):
        for key, text in texts.items():
            if key.split("-")[0] == wanted:
                return str(text)
    return str(next(iter(texts.values())))


def finding_line(finding: Finding) -> str:
    """A finding as a line for people: how bad, where, what, and what was perhaps meant."""
    severities = {"violation": t("violation", "違反"), "warning": t("warning", "警告"), "info": t("note", "情報")}
    line = f"{severities[finding.severity]}  {finding.pointer or '/'}  {by_language(dict(finding.messages))}  [{finding.rule}]"
    if finding.near:
        line += t("  perhaps: ", "  もしかして: ") + ", ".join(finding.near)
    return line


def refuse(error: CatalogError, *, as_json: bool) -> None:
    """Say what was refused, on standard error."""
    findings = error.findings if isinstance(error, Invalid) else ()
    if as_json:
        document: dict[str, Any] = {"error": type(error).__name__, "message": error.messages}
        if findings:
            document["findings"] = [finding.document() for finding in findings]
        tell(orjson.dumps(document).decode())
        return
    tell(error.messages[LANGUAGE])
    for finding in findings:
        tell("  " + finding_line(finding))
