"""What is asked of a profile before it is believed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import Invalid, Misconfigured
from catalog.records.shipped import shipped
from catalog.validation.profiles import CompiledProfile, compile_profile, profile_address, shipped_profiles
from tests.unit.validation.linked_forms import KINDS

D2020 = "https://json-schema.org/draft/2020-12/schema"
PREFIXES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix musubi: <https://w3id.org/musubi/ns#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
"""


def compiled(schema: Any, shapes: str | None = None, **more: Any) -> CompiledProfile:
    return compile_profile("p", 1, "sample", schema, shapes, kinds=KINDS, **more)


def refusals(schema: Any, shapes: str | None = None, **more: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        compiled(schema, shapes, **more)
    for finding in caught.value.findings:
        assert finding.severity == "violation"
        assert set(finding.messages) == {"en", "ja"}
        assert finding.messages["en"] != finding.messages["ja"]
    return [f"{finding.pointer} {finding.rule}" for finding in caught.value.findings]


def test_a_profile_narrows_and_says_what_would_be_right() -> None:
    profile = compiled(
        {"$schema": D2020, "required": ["title"], "properties": {"sampleType": {"enum": ["pellet", "powder"]}}}
    )
    assert profile.reference == "p@1"
    assert profile.judge.accepts({"title": {"en": "x"}, "sampleType": "pellet"})
    found = profile.judge.findings({"sampleType": "palet"})
    assert {(finding.rule, finding.breaks) for finding in found} == {
        ("schema/required", "profile"),
        ("schema/enum", "profile"),
    }
    assert any(finding.near == ("pellet",) for finding in found)


def test_safe_repairs_are_made_and_said() -> None:
    profile = compiled(
        {"$schema": D2020, "properties": {"details": {"properties": {"samples": {"items": [{"type": "string"}]}}}}}
    )
    assert [note.rule for note in profile.notes] == ["dialect/items"]
    assert profile.submitted != profile.schema
    assert profile.judge.accepts({"details": {"samples": ["x"]}})
    assert not profile.judge.accepts({"details": {"samples": [1]}})


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ([], " profile/schema"),
        ({"$schema": "https://example.org/mine"}, "/$schema profile/dialect"),
        ({"type": "strange"}, "/type profile/schema"),
        ({"properties": {"a": {"exclusiveMinimum": True}}}, "/properties/a/exclusiveMinimum profile/schema"),
        ({"$ref": "https://example.org/elsewhere"}, "/$ref profile/$ref"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "/properties/a/$ref profile/$ref"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "/properties/a/$ref profile/$ref"),
        ({"properties": {"a": {"pattern": "("}}}, "/properties/a/pattern profile/pattern"),
        ({"properties": {"a": {"pattern": "((a{1,1000}){1,1000}){1,1000}"}}}, "/properties/a/pattern profile/pattern"),
        ({"$id": KINDS["sample"].schema["$id"]}, "/$id profile/$id"),
        ({"$ref": "#"}, " profile/$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, " profile/$ref"),
        ({"$dynamicRef": "#x", "$dynamicAnchor": "x"}, " profile/$ref"),
        ({"properties": {"a": {"allOf": [{"$ref": "#/properties/a"}]}}}, " profile/$ref"),
        ({"description": "x" * 2_000_001}, " profile/size"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:60],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_refused_with_its_place(schema: Any, where: str) -> None:
    assert refusals(schema) == [where]


def test_a_type_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(Invalid) as refused:
        compiled({"properties": {"lot": {"type": "objects"}}})
    assert refused.value.findings[0].pointer == "/properties/lot/type"
    assert 'there is no type "objects"' in refused.value.findings[0].messages["en"]


def test_a_ring_through_parts_of_the_value_is_a_tree_and_allowed() -> None:
    profile = compiled(
        {
            "$defs": {
                "tree": {"properties": {"children": {"items": {"$ref": "#/$defs/tree"}}, "name": {"type": "string"}}}
            },
            "properties": {"details": {"$ref": "#/$defs/tree"}},
        }
    )
    assert profile.judge.accepts({"details": {"children": [{"children": [{"name": "x"}]}]}})
    assert not profile.judge.accepts({"details": {"children": [{"children": [{"name": 1}]}]}})


def test_a_schema_that_doubles_itself_forty_times_is_refused_at_once() -> None:
    doubling: dict[str, Any] = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    started = time.process_time()
    assert refusals({"$defs": {**doubling, "a40": {}}, "$ref": "#/$defs/a0"}) == [" profile/cost"]
    assert time.process_time() - started < 5


def test_a_schema_of_absurd_depth_is_refused_before_anything_recursive_sees_it() -> None:
    schema: dict[str, Any] = {}
    for _ in range(50_000):
        schema = {"items": schema}
    assert refusals(schema) == [" profile/depth"]


def test_registered_schemas_and_kinds_may_be_referred_to() -> None:
    address = profile_address("other", 2)
    registered = {address: {"$defs": {"code": {"type": "string", "pattern": "^[A-Z]+$"}}}}
    profile = compiled(
        {
            "properties": {
                "lot": {"$ref": f"{address}#/$defs/code"},
                "amount": {"$ref": "https://w3id.org/musubi/schemas/kinds/common#/$defs/quantity"},
            }
        },
        registered=registered,
    )
    assert profile.judge.accepts({"lot": "AB", "amount": {"value": 1, "unit": "g"}})
    assert not profile.judge.accepts({"lot": "ab"})
    assert not profile.judge.accepts({"amount": {"value": 1}})
    assert refusals({"properties": {"lot": {"$ref": f"{address}#/$defs/code"}}}) == [
        "/properties/lot/$ref profile/$ref"
    ]


def test_a_new_version_may_bear_the_name_of_the_older_and_means_itself() -> None:
    def told(pattern: str) -> dict[str, Any]:
        return {
            "$id": "https://rde.example/x",
            "$defs": {"lot": {"pattern": pattern}},
            "properties": {"lot": {"$ref": "#/$defs/lot"}},
        }

    registered = {profile_address("p", 1): told("^old$")}
    newer = compile_profile("p", 2, "sample", told("^new$"), None, kinds=KINDS, registered=registered)
    assert newer.judge.accepts({"lot": "new"})
    assert not newer.judge.accepts({"lot": "old"})
    assert newer.judge.findings({"lot": "old"})[0].messages["en"].endswith('(pattern "^new$")')
    with pytest.raises(Invalid, match="is taken"):
        compile_profile("other", 1, "sample", told("^x$"), None, kinds=KINDS, registered=registered)
    # Another profile may refer to it by the name that it gave itself.
    other = compile_profile(
        "other",
        1,
        "sample",
        {"properties": {"lot": {"$ref": "https://rde.example/x#/$defs/lot"}}},
        None,
        kinds=KINDS,
        registered=registered,
    )
    assert other.judge.accepts({"lot": "old"})
    assert not other.judge.accepts({"lot": "new"})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="no kind"):
        compile_profile("p", 1, "sampel", {}, None, kinds=KINDS)


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("sh:property [ sh:path musubi:lot ; sh:class musubi:X ]", "sh:class"),
        ("sh:property [ sh:path musubi:lot ; sh:node musubi:X ]", "sh:node"),
        ("sh:sparql [ sh:select 'x' ]", "sh:sparql"),
        ("sh:js [ ]", "sh:js"),
        ("sh:rule [ ]", "sh:rule"),
        ("sh:target [ ]", "sh:target"),
        ("sh:targetNode musubi:x", "sh:targetNode"),
        ("owl:imports <https://example.org/>", "owl:imports"),
        ("sh:property [ sh:path ( musubi:project musubi:lot ) ; sh:minCount 1 ]", "sh:path"),
        ("sh:property [ sh:path [ sh:inversePath musubi:project ] ; sh:minCount 1 ]", "sh:path"),
        ("sh:property [ sh:path [ sh:zeroOrMorePath musubi:project ] ; sh:minCount 1 ]", "sh:path"),
    ],
)
def test_shapes_that_look_beyond_the_record_are_refused(rule: str, refused: str) -> None:
    assert refusals({}, PREFIXES + f"musubi:P a sh:NodeShape ; sh:targetClass musubi:Sample ; {rule} .") == [
        f" profile/{refused}"
    ]


def test_shapes_that_are_no_turtle_or_choose_nothing_are_refused() -> None:
    assert refusals({}, "this is no turtle") == [" profile/shapes"]
    assert refusals(
        {}, PREFIXES + "musubi:P a sh:NodeShape ; sh:property [ sh:path musubi:lot ; sh:minCount 1 ] ."
    ) == [" profile/shapes"]


RING = "musubi:P a sh:NodeShape ; sh:targetClass musubi:Sample ; "
FIRST, REST = (f"<http://www.w3.org/1999/02/22-rdf-syntax-ns#{name}>" for name in ("first", "rest"))


@pytest.mark.parametrize(
    ("shapes", "refused"),
    [
        (RING + "sh:or ( musubi:P musubi:Q ) .", "shapes"),
        (RING + "sh:property musubi:R . musubi:R sh:path musubi:lot ; sh:property musubi:R .", "shapes"),
        (RING + f"sh:in _:l . _:l {FIRST} 1 ; {REST} _:l .", "shapes"),
        (RING + "sh:and ( musubi:S0 ) . " + " ".join(f"musubi:S{n} sh:and ( musubi:S{n + 1} ) ." for n in range(20_000)), "shapes"),
        (RING + "sh:and ( musubi:S0 ) . " + " ".join(f"musubi:S{n} sh:or ( musubi:S{n + 1} musubi:S{n + 1} ) ." for n in range(30)), "shapes"),
        (RING + "sh:property [ sh:path musubi:lot ; sh:pattern '(' ] .", "sh:pattern"),
        (RING + "sh:property [ sh:path musubi:lot ; sh:pattern '((a{1,1000}){1,1000}){1,1000}' ] .", "sh:pattern"),
    ],
    ids=["or", "property", "list", "depth", "doubling", "no pattern", "huge pattern"],
)  # fmt: skip
def test_shapes_without_an_end_are_refused_at_once(shapes: str, refused: str) -> None:
    started = time.process_time()
    assert refusals({}, PREFIXES + shapes) == [f" profile/{refused}"]
    assert time.process_time() - started < 5


def test_shapes_of_a_profile_are_read() -> None:
    profile = compiled(
        {},
        PREFIXES
        + "musubi:P a sh:NodeShape ; sh:targetClass musubi:Sample ; sh:property [ sh:path musubi:lot ; sh:minCount 1 ] .",
    )
    assert profile.shapes is not None
    assert compiled({}).shapes is None
    assert compiled({}, "  ").shapes is None


def test_shipped_profiles_are_found_and_can_be_used() -> None:
    registered: dict[str, Any] = {}
    for one in shipped_profiles(shipped() / "schemas" / "profiles"):
        profile = compile_profile(
            one.name, one.version, one.kind, one.schema, one.shapes, kinds=KINDS, registered=registered
        )
        registered[profile_address(one.name, one.version)] = profile.schema
        assert {"en", "ja"} <= set(one.title), one.name


def test_a_profile_in_the_wrong_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "1"
    folder.mkdir(parents=True)
    told = {"name": "a", "version": 1, "kind": "sample", "title": {"en": "A", "ja": "エー"}}
    (folder / "schema.json").write_text("{}")
    (folder / "profile.json").write_text(json.dumps(told))
    assert [(one.name, one.version, one.shapes, one.good) for one in shipped_profiles(tmp_path)] == [("a", 1, None, ())]
    (folder / "profile.json").write_text(json.dumps({**told, "version": 2}))
    with pytest.raises(Misconfigured, match="a@2"):
        list(shipped_profiles(tmp_path))
