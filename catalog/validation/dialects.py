"""Schemas from elsewhere, often not valid under the dialect that they declare: what is safe to repair is repaired and said."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from catalog.records.finding import Finding
from catalog.validation.schema import DIALECT, pointer_to, subschemas

DRAFT_4 = "http://json-schema.org/draft-04/schema"
DRAFT_6 = "http://json-schema.org/draft-06/schema"
DRAFT_7 = "http://json-schema.org/draft-07/schema"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DIALECTS = (DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019, DIALECT)

Path = tuple[str | int, ...]


@dataclass
class Repair:
    """A schema as it may be used, and what was done to it."""

    schema: Any
    notes: list[Finding] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)

    def note(self, path: Path, rule: str, en: str, ja: str) -> None:
        """Say what was repaired, and where."""
        self.notes.append(Finding(pointer_to(path), f"dialect/{rule}", "info", {"en": en, "ja": ja}, "profile"))


def dialect_of(schema: Any) -> str | None:
    """The dialect that a schema declares, as one that is known; None for another. Without a declaration it is 2020-12."""
    declared = schema.get("$schema") if isinstance(schema, dict) else None
    if declared is None:
        return DIALECT
    return next((dialect for dialect in DIALECTS if _same_dialect(declared, dialect)), None)


def _same_dialect(declared: Any, dialect: str) -> bool:
    plain = str(declared).strip().rstrip("#").replace("https://", "http://", 1)
    return plain == dialect.replace("https://", "http://", 1)


def repair(schema: Any) -> Repair:
    """The schema with everything mended whose meaning is not in doubt; the one that came is left as it is."""
    done = Repair(copy.deepcopy(schema))
    dialect = dialect_of(done.schema)
    if not isinstance(done.schema, dict) or dialect is None:
        return done
    _declare(done, dialect)
    for path, part in list(_walk(done.schema)):
        for mend in MENDERS:
            mend(done, path, part, dialect)
    if done.moved:
        _follow(done)
    return done


def _walk(schema: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every schema in a schema, the innermost first, so that a repair does not move what is still to be visited."""
    waiting: list[tuple[Path, Any]] = [((), schema)]
    found: list[tuple[Path, dict[str, Any]]] = []
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, dict):
            found.append((path, part))
            waiting.extend(((*path, *steps), inner) for steps, inner in subschemas(part))
    yield from reversed(found)


def _declare(done: Repair, dialect: str) -> None:
    declared = done.schema.get("$schema")
    if declared is None:
        done.schema["$schema"] = dialect
        done.note(
            (),
            "$schema",
            "It declares no dialect; it is read as JSON Schema 2020-12.",
            "方言の宣言がないため、JSON Schema 2020-12 として読みます。",
        )
    elif str(declared).rstrip("#") != dialect:
        done.schema["$schema"] = dialect
        done.note(
            ("$schema",),
            "$schema",
            f'"{declared}" is written "{dialect}" in the standard, and was taken for that.',
            f"「{declared}」は標準では「{dialect}」と書かれるため、そのように読み替えました。",
        )


def _array_items(done: Repair, path: Path, part: dict[str, Any], dialect: str) -> None:
    if dialect != DIALECT or not isinstance(part.get("items"), list) or "prefixItems" in part:
        return
    part["prefixItems"] = part.pop("items")
    done.moved.append((pointer_to((*path, "items")), pointer_to((*path, "prefixItems"))))
    done.note(
        (*path, "items"),
        "items",
        'In 2020-12 a list of schemas under "items" is called "prefixItems"; it was renamed.',
        "2020-12 では「items」の配列形式は「prefixItems」と呼ばれるため、名前を改めました。",
    )
    if "additionalItems" in part:
        part["items"] = part.pop("additionalItems")
        done.moved.append((pointer_to((*path, "additionalItems")), pointer_to((*path, "items"))))
        done.note(
            (*path, "additionalItems"),
            "additionalItems",
            'In 2020-12 "additionalItems" beside it is called "items"; it was renamed.',
            "2020-12 では「additionalItems」は「items」と呼ばれるため、名前を改めました。",
        )


def _exclusive_bounds(done: Repair, path: Path, part: dict[str, Any], dialect: str) -> None:
    if dialect == DRAFT_4:
        return
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        said = part.get(exclusive)
        if not isinstance(said, bool):
            continue
        if said and (not isinstance(part.get(bound), int | float) or isinstance(part.get(bound), bool)):
            continue  # true without a bound says nothing that could be kept: the check refuses it
        if said:
            part[exclusive] = part.pop(bound)
        else:
            del part[exclusive]
        done.note(
            (*path, exclusive),
            exclusive,
            f'"{exclusive}: {str(said).lower()}" is how draft-04 says it; it was said as the declared dialect does.',
            f"「{exclusive}: {str(said).lower()}」は draft-04 の書き方のため、宣言された方言の書き方に改めました。",
        )


def _identifier(done: Repair, path: Path, part: dict[str, Any], dialect: str) -> None:
    if path or dialect == DRAFT_4 or "$id" in part or not isinstance(part.get("id"), str) or ":" not in part["id"]:
        return
    part["$id"] = part.pop("id")
    done.note(
        ("id",),
        "id",
        '"id" is draft-04\'s word for "$id"; it was renamed.',
        "「id」は draft-04 での「$id」のため、名前を改めました。",
    )


def _dependencies(done: Repair, path: Path, part: dict[str, Any], dialect: str) -> None:
    named = part.get("dependencies")
    if dialect not in (DRAFT_2019, DIALECT) or not isinstance(named, dict):
        return
    if not all(isinstance(value, dict | bool | list) for value in named.values()):
        return
    for keyword, kept in (("dependentRequired", True), ("dependentSchemas", False)):
        parts = {name: value for name, value in named.items() if isinstance(value, list) == kept}
        taken = part.get(keyword, {})
        if parts and (not isinstance(taken, dict) or set(parts) & set(taken)):
            return
    for keyword, kept in (("dependentRequired", True), ("dependentSchemas", False)):
        parts = {name: value for name, value in named.items() if isinstance(value, list) == kept}
        if parts:
            part[keyword] = {**part.get(keyword, {}), **parts}
            done.moved.extend(
                (pointer_to((*path, "dependencies", name)), pointer_to((*path, keyword, name))) for name in parts
            )
    del part["dependencies"]
    done.note(
        (*path, "dependencies"),
        "dependencies",
        'Since 2019-09 "dependencies" is "dependentRequired" and "dependentSchemas"; it was divided.',
        "2019-09 以降「dependencies」は「dependentRequired」と「dependentSchemas」に分かれたため、そのように改めました。",
    )


def _required(done: Repair, path: Path, part: dict[str, Any], dialect: str) -> None:
    named = part.get("required")
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        return
    if len(set(named)) != len(named):
        part["required"] = list(dict.fromkeys(named))
        done.note(
            (*path, "required"),
            "required",
            'A name stood twice under "required"; once is enough.',
            "「required」に同じ名前が重複していたため、一つにしました。",
        )
    if not named and dialect == DRAFT_4:
        del part["required"]
        done.note(
            (*path, "required"),
            "required",
            'An empty "required" is not allowed in draft-04; it was left out.',
            "draft-04 では空の「required」は許されないため、除きました。",
        )


MENDERS: tuple[Callable[[Repair, Path, dict[str, Any], str], None], ...] = (
    _array_items,
    _exclusive_bounds,
    _identifier,
    _dependencies,
    _required,
)


def _follow(done: Repair) -> None:
    """Let references within the schema lead to where their targets lie now."""
    for _, part in _walk(done.schema):
        reference = part.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            continue
        pointer = reference[1:]
        # The innermost was moved first; outer moves then apply to what it became.
        for old, new in done.moved:
            if pointer == old or pointer.startswith(old + "/"):
                pointer = new + pointer[len(old) :]
        part["$ref"] = "#" + pointer
