"""A body's linked form: what it says, how its parts are named, and what stands beside it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.records.kinds import load_kinds
from catalog.records.linked import Linked, link_up
from catalog.records.record import Attribute, Identifier, Link, Quantity
from tests.strategies import bodies

KINDS = load_kinds()
# Bodies have few fields as they are, and making them smaller takes minutes.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
PREFIXES = {"panet": "http://purl.org/pan-science/PaNET/"}
ID = "experiment/spring8/2026A1234/seq-0042"

BODY: dict[str, Any] = {
    "title": {"ja": "正極材料のXAFS測定", "en": "XAFS of a cathode"},
    "type": "measurement",
    "startedAt": "2026-05-10T07:43:00",
    "techniques": [{"term": "panet:PaNET01196", "label": {"en": "XAS"}}],
    "projects": ["project/spring8/2026A1234"],
    "contributors": [{"to": "agent/spring8/p-1", "role": "principal-investigator", "order": 1}],
    "samples": [{"to": "sample/spring8/s-001", "role": "measured"}, {"to": "sample/spring8/s-002"}],
    "keywords": ["battery", {"term": "panet:PaNET00001"}],
    "conditions": [{"name": "energy", "quantity": {"min": 7.6, "max": 8.4, "unit": "keV"}}],
    "identifiers": [{"scheme": "doi", "value": "10.1/ab", "primary": True}],
    "attributes": [{"name": "mirror coating", "value": "Rh"}, {"name": "shots", "value": 12}],
    "details": {"@id": "kept", "as": ["it", "came"]},
}


def linked(body: Mapping[str, Any], kind: str = "experiment", id: str = ID) -> Linked:
    return link_up(KINDS[kind], id, body, PREFIXES, "Asia/Tokyo")


def test_a_body_becomes_json_ld_but_for_its_context() -> None:
    document = linked(BODY).document

    assert document["id"] == ID
    assert document["type"] == ["Experiment", "prov:Activity", "sosa:Observation", "Record"]
    assert document["title"] == BODY["title"]
    assert document["category"] == "measurement"
    assert document["startedAt"] == {"@type": "dateTime", "is": "2026-05-10T07:43:00"}
    iri = "http://purl.org/pan-science/PaNET/PaNET01196"
    assert document["techniques"] == [{"to": iri, "called": {"en": "XAS"}}]
    assert document["keywords"] == ["battery", {"to": "http://purl.org/pan-science/PaNET/PaNET00001"}]
    assert document["projects"] == [{"to": "project/spring8/2026A1234"}]
    assert document["conditions"] == [
        {
            "id": ID + "#c/energy",
            "type": ["PropertyValue", "Quantity"],
            "name": "energy",
            "min": 7.6,
            "max": 8.4,
            "inUnit": "qu:KiloEV",
            "unitText": "keV",
            "siMin": 1.21765424184e-15,
            "siMax": 1.34582837256e-15,
        }
    ]
    assert document["identifiers"][0]["id"] == ID + "#id/doi/10.1%2Fab"
    assert document["attributes"][0] == {
        "id": ID + "#a/mirror%20coating",
        "type": "PropertyValue",
        "name": "mirror coating",
        "text": "Rh",
    }
    assert document["details"] == BODY["details"]


def test_a_link_is_compact_and_has_a_fragment_only_for_what_is_beyond_its_target() -> None:
    (plain, qualified) = linked(BODY).document["aboutSamples" if "aboutSamples" in linked(BODY).document else "samples"]

    assert plain == {"to": "sample/spring8/s-002"}
    fragment = qualified["as"]
    assert qualified["to"] == "sample/spring8/s-001"
    assert fragment == {
        "id": fragment["id"],
        "type": "Link",
        "of": ID,
        "field": "samples",
        "hadRole": "musubi:role-measured",
    }
    assert fragment["id"].startswith(ID + "#samples/")
    assert len(fragment["id"].rpartition("/")[2]) == 10


def test_the_rows_beside_it_come_from_the_same_walk() -> None:
    found = linked(BODY)

    assert set(found.links) == {
        Link("projects", "project/spring8/2026A1234"),
        Link("contributors", "agent/spring8/p-1", "principal-investigator", order=1),
        Link("samples", "sample/spring8/s-001", "measured"),
        Link("samples", "sample/spring8/s-002"),
    }
    assert found.quantities == (
        Quantity("conditions", "energy", None, 7.6, 8.4, None, "keV", "Energy", 1.21765424184e-15, 1.34582837256e-15),
    )
    assert found.attributes == (
        Attribute("mirror coating", "Rh", None, "submitted"),
        Attribute("shots", "12", None, "submitted"),
    )
    assert found.identifiers == (Identifier("doi", "10.1/ab", True, None),)
    assert found.columns.keys() == KINDS["experiment"].column.keys()
    told = {key: value for key, value in found.columns.items() if value is not None}
    assert told == {
        "title": "XAFS of a cathode",
        "title_en": "XAFS of a cathode",
        "title_ja": "正極材料のXAFS測定",
        "type": "measurement",
        "started_at": "2026-05-10T07:43:00",
        "started_at_from": "2026-05-09T22:43:00.000000Z",
        "started_at_until": "2026-05-09T22:43:01.000000Z",
    }


def test_a_title_falls_back_from_english_to_japanese_to_any() -> None:
    assert linked({"title": {"ja": "日", "fr": "jour"}}).columns["title"] == "日"
    assert linked({"title": {"fr": "jour"}}).columns["title"] == "jour"


def test_a_quantity_of_a_field_has_columns_and_a_fragment_of_its_own() -> None:
    found = linked({"amount": {"value": 25, "unit": "℃", "uncertainty": 1}}, "sample", "sample/a/b")

    assert found.document["amount"] == {
        "id": "sample/a/b#amount", "type": "Quantity", "value": 25, "uncertainty": 1, "inUnit": "qu:DEG_C",
        "unitText": "℃", "siMin": 298.15, "siMax": 298.15,
    }  # fmt: skip
    assert (found.columns["amount_value"], found.columns["amount_unit"]) == (25, "℃")
    assert (found.columns["amount_si_min"], found.columns["amount_si_max"]) == (298.15, 298.15)


def test_several_with_one_name_carry_a_hash_of_their_content_and_twins_are_one_with_a_count() -> None:
    tissue = [{"name": "tissue", "value": value} for value in ("leaf", "root", "root")]
    found = linked({"attributes": [*tissue, {"name": "age", "value": "1"}]}).document["attributes"]

    assert [node["text"] for node in found] == ["leaf", "root", "1"]
    assert all(node["id"].startswith(ID + "#a/tissue.") for node in found[:2])
    assert found[2]["id"] == ID + "#a/age"
    assert [node.get("count") for node in found] == [None, 2, None]


def test_an_attribute_that_is_named_like_anothers_hash_stays_apart_from_it() -> None:
    two = [{"name": "tissue", "value": "leaf"}, {"name": "tissue", "value": "root"}]
    taken = linked({"attributes": two}).document["attributes"][0]["id"].rpartition("/")[2]
    found = linked({"attributes": [*two, {"name": taken, "value": "x"}]}).document["attributes"]

    assert len({node["id"] for node in found}) == 3
    assert found[2]["id"] == f"{ID}#a/{taken}"


def test_links_that_say_the_same_are_one_and_others_to_one_target_stand_apart() -> None:
    to = "sample/a/b"
    links = [
        to,
        {"to": to},
        {"to": to, "role": "control"},
        {"to": to, "role": "measured"},
        {"to": to, "role": "measured"},
    ]
    found = linked({"samples": links})

    assert [(link.to, link.role) for link in found.links] == [(to, None), (to, "control"), (to, "measured")]
    document = next(value for key, value in found.document.items() if key.endswith("amples"))
    assert [link.get("as", {}).get("count") for link in document] == [None, None, 2]


def test_editing_one_value_keeps_the_address_of_it_and_of_all_others() -> None:
    def ids(value: str) -> list[str]:
        body = {**BODY, "attributes": [{"name": "mirror coating", "value": value}, {"name": "shots", "value": 1}]}
        return [node["id"] for node in linked(body).document["attributes"]]

    assert ids("Rh") == ids("Pt")


def test_findings_name_the_place_and_what_was_perhaps_meant_and_nothing_is_dropped() -> None:
    found = linked(
        {
            "startedAt": "2019-02-30",
            "techniques": [{"term": "PANET:PaNET01196"}, {"term": "https://a/b"}, {"term": "zz:1"}],
            "conditions": [
                {"name": "energy", "quantity": {"value": 7, "unit": "KeV"}},
                {"name": "gap", "quantity": {"min": 2, "max": 1, "unit": "mm"}},
            ],
        }
    )

    assert [(finding.rule, finding.pointer, finding.near, finding.breaks) for finding in found.findings] == [
        ("date/format", "/startedAt", (), "kind"),
        ("term/prefix", "/techniques/0/term", ("panet",), "profile"),
        ("term/prefix", "/techniques/2/term", (), "profile"),
        ("unit/unknown", "/conditions/0/quantity/unit", ("keV",), "profile"),
        ("quantity/range", "/conditions/1/quantity", (), "profile"),
    ]
    assert all(finding.messages["en"] != finding.messages["ja"] for finding in found.findings)
    assert found.document["conditions"][0]["unitText"] == "KeV"
    assert found.quantities[0].unit == "KeV"
    assert found.quantities[0].si_min is None


@pytest.mark.parametrize(("unit", "near"), [("K", "s"), ("m", "min"), ("%", "s")])
def test_a_unit_that_does_not_fit_is_a_finding_that_names_what_would(unit: str, near: str) -> None:
    (finding,) = linked({"age": {"value": 1, "unit": unit}}, "sample", "sample/a/b").findings

    assert (finding.rule, finding.pointer) == ("unit/misfit", "/age/unit")
    assert near in finding.near


def test_private_fields_stay_out_of_the_linked_form_and_of_every_row() -> None:
    private = [(kind, field) for kind in KINDS.values() for field in kind.fields if field.private]

    assert private
    for kind, field in private:
        found = link_up(kind, f"{kind.name}/a/b", {field.name: {"email": {"x": "secret"}, "name": "secret"}}, {})
        assert found.document.keys() == {"id", "type"}
        assert field.name not in found.columns
        assert b"secret" not in orjson.dumps([found.document, found.columns, found.attributes, found.identifiers])


def test_pointers_lead_from_a_fragment_to_where_it_was_written() -> None:
    found = linked(BODY)

    for id, pointer in found.pointers.items():
        value: Any = BODY
        for part in pointer.split("/")[1:]:
            value = value[int(part)] if isinstance(value, list) else value[part.replace("~1", "/").replace("~0", "~")]
        assert id.startswith(ID)
    assert found.pointers[ID] == ""
    assert found.pointers[ID + "#c/energy"] == "/conditions/0"
    assert found.pointers[ID + "#a/shots"] == "/attributes/1"


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=8, phases=UNSHRUNK)
@given(data=st.data(), chance=st.randoms())
def test_reordering_a_body_changes_no_fragment(name: str, data: st.DataObject, chance: random.Random) -> None:
    body = data.draw(bodies(KINDS, name))

    def shuffled(value: Any, inside: bool = True) -> Any:
        if isinstance(value, dict):
            items = [(key, each if key == "details" else shuffled(each)) for key, each in value.items()]
            chance.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            return chance.sample([shuffled(each) for each in value], len(value))
        return value

    def unordered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: each if key == "details" else unordered(each) for key, each in value.items()}
        if isinstance(value, list):
            return sorted((unordered(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
        return value

    first, second = (link_up(KINDS[name], f"{name}/a/b", each, {}) for each in (body, shuffled(body)))

    assert unordered(first.document) == unordered(second.document)
    assert set(first.links) == set(second.links)
    assert first.columns == second.columns
    assert first.pointers.keys() == second.pointers.keys()


@pytest.mark.parametrize("keys", [("note", "quantity"), ("quantity", "note")])
def test_the_notes_of_an_attribute_and_of_its_quantity_are_both_kept_in_either_order(keys: tuple[str, ...]) -> None:
    said = {"note": "of it", "quantity": {"value": 1, "unit": "m", "note": "and of the number"}}

    (node,) = linked({"attributes": [{"name": "x", **{key: said[key] for key in keys}}]}).document["attributes"]

    assert node["note"] == ["and of the number", "of it"]
