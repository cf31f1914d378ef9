"""What a file of a dataset must look like, before any list is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson

from catalog.errors import Invalid
from catalog.records.finding import Finding
from catalog.records.shipped import shipped
from catalog.validation.schema import Library, SchemaJudge, compile_schema, registry_of

_ADDRESS: Final = "https://w3id.org/musubi/schemas/submission"
# Of a list of millions the first that are wrong say what to mend in all.
_SHOWN: Final = 100


@cache
def rules() -> SchemaJudge:
    """What one file must look like: the submission's schema says it."""
    whole = orjson.loads((shipped() / "schemas" / "submission.schema.json").read_bytes())
    schema = {"$ref": f"{_ADDRESS}#/$defs/file"}
    resources = {_ADDRESS: whole}
    validator = compile_schema(schema, registry=registry_of(resources))
    return SchemaJudge(schema, _ADDRESS, Library(resources), validator, "kind")


def checked_files(files: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """The files as they come; Invalid at the end of those before the first wrong ones, so that nothing is stored."""
    wrong: list[Finding] = []
    for place, each in enumerate(files):
        if rules().accepts(each):
            if not wrong:
                yield each
            continue
        wrong += _findings(place, each)
        if len(wrong) >= _SHOWN:
            break
    if wrong:
        raise Invalid(
            "files that cannot be stored: nothing of the list was changed",
            wrong[:_SHOWN],
            ja="保存できないファイルがあります。一覧は変更されていません",
        )


def file_findings(files: Sequence[Any]) -> tuple[Finding, ...]:
    """What is wrong with the files that came with a submission."""
    wrong: list[Finding] = []
    for place, each in enumerate(files):
        if not rules().accepts(each):
            wrong += _findings(place, each)
            if len(wrong) >= _SHOWN:
                break
    return tuple(wrong[:_SHOWN])


def _findings(place: int, file: Any) -> list[Finding]:
    return [
        Finding(f"/files/{place}{one.pointer}", one.rule, one.severity, one.messages, one.breaks, one.near)
        for one in rules().findings(file)
    ]
