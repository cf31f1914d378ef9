"""A kind that the software never heard of, made of files alone, goes through everything that the shipped ones go through."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import psycopg
import pyoxigraph
import pyshacl
import pytest
import rdflib
from click.testing import CliRunner, Result

from catalog.assembly import open_catalog
from catalog.cli import catalog
from catalog.ledger.append import Entry, Ledger
from catalog.ledger.mirror import table_name
from catalog.records.kinds import MARKS, Kinds, load_kinds
from catalog.records.parse import read_submission
from catalog.records.record import Source
from catalog.records.shipped import shipped
from catalog.records.triples import read_by_engine, triples
from catalog.settings import read_settings
from catalog.upkeep.backup import backup, restore
from catalog.validation.gate import Gate, Judged
from catalog.web.app import bare
from catalog.web.described import description
from catalog.web.filling import mirrors_filled
from tests.conftest import PROJECT
from tests.contract.ledgers import enter, one, opened, rows
from tests.service.conftest import Served, prepare, start, stop

FIFTEENTH = Path(__file__).resolve().parent / "fifteenth"
GOOD = sorted((FIFTEENTH / "examples" / "good").glob("*.json"))
BAD = sorted((FIFTEENTH / "examples" / "bad").glob("*.json"))
NAME = "research-voyage"
VENTS, TRANSIT = "research-voyage/lab/YK26-08S", "research-voyage/lab/YK25-01"
OCEAN = "https://ocean.example/terms#"
PREFIXES = {"sea": "https://sea.example/areas/"}
# What only those may read who may write, by field.
SECRETS = {"insurer": "SECRET-INSURER", "incident": "SECRET-LEG"}
BASE = "https://catalogue.example/"


@cache
def kinds(folder: Path = FIFTEENTH) -> Kinds:
    return load_kinds(shipped(), folder)


class Nothing:
    """No profile is registered."""

    def find(self, reference: str) -> None:
        return None


class Lab:
    """One source, which declares where its seas are named."""

    def find(self, id: str) -> Source:
        return Source(id, 1, {}, home_scope="lab", prefixes=PREFIXES)


@cache
def gate(some: Kinds) -> Gate:
    return Gate(some, Nothing(), Lab())


def example(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_bytes())
    return read


def good(name: str) -> dict[str, Any]:
    return example(FIFTEENTH / "examples" / "good" / f"{name}.json")


def judged(document: dict[str, Any], some: Kinds | None = None) -> Judged:
    (verdict,) = gate(some or kinds()).judge([read_submission(document)])
    return verdict


# --- read, judged, linked


def test_it_is_one_kind_more_and_the_others_are_what_they_were() -> None:
    alone = load_kinds()

    assert set(kinds()) - set(alone) == {NAME}
    assert {name: kinds()[name].fingerprint for name in alone} == {name: alone[name].fingerprint for name in alone}
    assert kinds().fingerprint != alone.fingerprint
    for field in kinds()[NAME].fields:
        assert field.titles.keys() == field.descriptions.keys() == {"en", "ja"}


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_example_passes_the_gate_without_a_finding(path: Path) -> None:
    verdict = judged(example(path))

    assert [finding.document() for finding in verdict.findings] == []
    assert (verdict.breaks, verdict.id) == ("nothing", f"{NAME}/lab/{example(path)['localId']}")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_example_fails_for_the_one_reason_that_it_states_in_both_languages(path: Path) -> None:
    told = example(path)

    verdict = judged(told["submission"])

    assert {(finding.pointer, finding.rule) for finding in verdict.findings} == {
        (told["finding"]["pointer"], told["finding"]["rule"])
    }
    assert verdict.breaks == told["breaks"]
    for finding in verdict.findings:
        assert set(finding.messages) == {"en", "ja"}
        assert finding.messages["en"] != finding.messages["ja"]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_its_linked_form_is_read_alike_by_both_readers_and_keeps_its_shapes(path: Path) -> None:
    linked = judged(example(path)).linked
    assert linked is not None

    told = triples(kinds(), [linked.document], BASE)

    def statements(text: bytes) -> set[Any]:
        return set(rdflib.Graph().parse(data=text, format="nt"))

    assert statements(told) == statements(read_by_engine(kinds(), [linked.document], BASE))
    assert not any(secret.encode() in told for secret in SECRETS.values())
    conforms, _, report = pyshacl.validate(
        rdflib.Graph().parse(data=told, format="nt"),
        shacl_graph=rdflib.Graph().parse(data=b"\n".join(kinds().shapes.values()), format="turtle"),
    )
    assert conforms, report


def test_every_field_of_it_that_is_not_private_is_in_its_graph() -> None:
    linked = judged(good("vents")).linked
    assert linked is not None
    graph = rdflib.Graph().parse(data=triples(kinds(), [linked.document], BASE), format="nt")
    voyage, leg = rdflib.URIRef(BASE + VENTS), rdflib.URIRef(BASE + VENTS + "#leg/1")

    said = {str(predicate).removeprefix(OCEAN) for predicate in graph.predicates(voyage)}

    assert {
        "shipName", "vessel", "state", "purpose", "departed", "returned", "distance", "seaArea", "theme", "crewSize",
        "fuelOnReturn", "inIce", "callSign", "homePort", "leg", "recovered", "continues",
    } <= said  # fmt: skip
    assert (voyage, rdflib.URIRef("https://schema.org/category"), rdflib.Literal("expedition")) in graph
    assert (voyage, rdflib.URIRef(OCEAN + "seaArea"), rdflib.URIRef("https://sea.example/areas/OkinawaTrough")) in graph
    assert (voyage, rdflib.RDF.type, rdflib.URIRef(OCEAN + "ResearchVoyage")) in graph
    assert (leg, rdflib.URIRef(OCEAN + "chiefScientist"), rdflib.URIRef(BASE + "agent/lab/mori")) in graph
    assert {link.field for link in linked.links} >= {"vessel", "recovered", "previous", "legs.scientists"}
    assert {(each.field, each.name) for each in linked.quantities} == {("distance", None), ("legs", "1/waterDepth")}


# --- ledger, mirror, a change of the schema, backup: on both databases

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where a catalogue is, and an empty place."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there/there.db"
        return
    server = request.getfixturevalue("postgresql_server")
    second = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {second} ENCODING 'UTF8' TEMPLATE template0".encode())
    yield request.getfixturevalue("postgresql"), f"{server}/{second}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {second} WITH (FORCE)".encode())


def entry(document: dict[str, Any], some: Kinds) -> Entry:
    return Entry(judged(document, some), "lab", "public", None, "strict")


def voyage(number: int, **more: object) -> dict[str, Any]:
    body = {"title": {"en": f"Voyage {number}"}, "shipName": "Kairei", **more}
    return {"kind": NAME, "source": "lab", "localId": f"v{number:04}", "body": body}


def mirror_states(ledger: Ledger) -> list[tuple[str, str]]:
    return sorted(rows(ledger, "SELECT \"table\", state FROM mirror WHERE kind = 'research-voyage'"))


def grown(folder: Path) -> Path:
    """The kind as a later version of it has it: one field more."""
    shutil.copytree(FIFTEENTH, folder, dirs_exist_ok=True)
    path = folder / "schemas" / "kinds" / f"{NAME}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["properties"]["fuel"] = {
        "title": "Fuel",
        "description": "How much fuel was burnt.",
        "x-ja": {"title": "燃料", "description": "消費した燃料。"},
        "$ref": "common#/$defs/quantity",
        "x-quantity": {"quantityKind": "Volume"},
        "x-sortable": True,
    }
    path.write_text(json.dumps(schema), "utf-8")
    context = folder / "ontologies" / "context" / f"{NAME}.jsonld"
    terms = json.loads(context.read_text("utf-8"))
    terms["@context"]["fuel"] = "ocean:fuel"
    context.write_text(json.dumps(terms), "utf-8")
    return folder


def test_the_ledger_writes_it_into_a_mirror_of_its_own(addresses: tuple[str, str]) -> None:
    ledger = opened(addresses[0], some_kinds=kinds())

    outcomes = enter(ledger, *(entry(example(path), kinds()) for path in GOOD))

    assert [outcome.outcome for outcome in outcomes] == ["created", "created"]
    columns = (
        "id, status, body_status, title, title_ja, ship_name, type, departed_at_from, departed_at_missing, distance_value,"
        " distance_unit, distance_si_min, sea_area, crew_size, fill_level, in_ice"
    )
    (transit, vents) = rows(ledger, f"SELECT {columns} FROM research_voyage ORDER BY id")
    assert vents == (
        VENTS, "public", "completed", "Vents of the Okinawa Trough", "沖縄トラフの熱水噴出孔", "Yokosuka", "expedition",
        "2026-05-10T00:00:00.000000Z", None, 1200, "[nmi_i]", 2222400, "https://sea.example/areas/OkinawaTrough",
        57, 0.25, False,
    )  # fmt: skip
    assert transit[:8] == (TRANSIT, "public", "aborted", "回航", "回航", "Kairei", "transit", None)
    assert transit[8:] == ("not collected", 40, "km", 40000, None, 20, 1, True)
    there = set(kinds()[NAME].column)
    assert there.isdisjoint({"insurer", "call_sign", "legs", "recovered"})
    assert one(ledger, "SELECT COUNT(*) FROM link WHERE field = 'recovered'") == 2
    assert mirror_states(ledger) == [(table_name(kinds()[NAME]), "live")]
    assert enter(ledger, entry(good("vents"), kinds()))[0].outcome == "unchanged"
    ledger.store.close()


def test_when_its_schema_grows_a_new_mirror_is_filled_while_the_old_one_answers(
    addresses: tuple[str, str], tmp_path: Path
) -> None:
    later = kinds(grown(tmp_path / "later"))
    assert later[NAME].fingerprint != kinds()[NAME].fingerprint
    assert later["sample"].fingerprint == kinds()["sample"].fingerprint
    old = opened(addresses[0], some_kinds=kinds())
    enter(old, *(entry(voyage(number), kinds()) for number in range(600)))
    old.store.close()

    new = opened(addresses[0], some_kinds=later)
    old_table, new_table = table_name(kinds()[NAME]), table_name(later[NAME])
    assert mirror_states(new) == sorted([(old_table, "live"), (new_table, "filling")])
    enter(new, entry(voyage(7, fuel={"value": 5, "unit": "m3"}), later))
    asked = "SELECT fuel_si_min FROM research_voyage WHERE local_id = 'v0007'"
    assert one(new, asked) is None, "the old mirror answers, and has no such column"
    assert one(new, "SELECT COUNT(*) FROM research_voyage") == 600

    assert new.upgrade_mirrors()[NAME] == 600

    assert mirror_states(new) == [(new_table, "live")]
    assert one(new, asked) == 5
    assert one(new, "SELECT COUNT(*) FROM research_voyage WHERE fuel_value IS NULL") == 599
    assert new.upgrade_mirrors() == {}
    new.store.close()


def test_a_backup_of_it_is_restored_elsewhere(addresses: tuple[str, str], tmp_path: Path) -> None:
    here, there = addresses
    ledger = opened(here, some_kinds=kinds())
    enter(ledger, *(entry(example(path), kinds()) for path in GOOD))
    told = "SELECT id, ship_name, distance_si_min FROM research_voyage ORDER BY id"
    before = rows(ledger, told)
    backup(ledger.store, tmp_path / "saved.tar")
    ledger.store.close()

    restore(tmp_path / "saved.tar", there, kinds())

    again = opened(there, some_kinds=kinds())
    assert rows(again, told) == before
    assert len(before) == 2
    assert enter(again, entry(good("vents"), kinds()))[0].outcome == "unchanged"
    again.store.close()


# --- by HTTP

SETTINGS = "settings.toml"
SAMPLE = {
    "kind": "sample", "source": "lab", "localId": "core-1",
    "body": {"title": {"en": "Push core 1", "ja": "柱状試料1"}, "isPartOf": [VENTS], "form": "sediment"},
}  # fmt: skip


def shipped_record(kind: str, local_id: str, **body: object) -> dict[str, Any]:
    return {"kind": kind, "source": "lab", "localId": local_id, "body": body}


def with_kind(data: Path, folder: Path = FIFTEENTH) -> Path:
    """A data folder whose settings name the folder of the kind, as an installation's would."""
    data.mkdir(exist_ok=True)
    (data / SETTINGS).write_text(f"kinds = [{json.dumps(str(folder))}]\n", "utf-8")
    return data


@pytest.fixture(scope="module")
def sailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that knows the kind, with two voyages, a ship, a sample and a person."""
    running = start(with_kind(tmp_path_factory.mktemp("fifteenth") / "data"))
    try:
        prepare(running)
        with running.client(**running.as_administrator) as client:
            source = client.get("sources/lab").json()
            del source["version"]
            told = client.put("sources/lab", json={**source, "prefixes": PREFIXES})
            assert told.status_code == 201, told.text
            others = [
                SAMPLE,
                shipped_record("instrument", "yokosuka", title={"en": "R/V Yokosuka"}),
                shipped_record("sample", "core-2", title={"en": "Push core 2"}),
                shipped_record("agent", "mori", title={"en": "Mori Ran"}, names={"en": "Mori Ran", "ja": "森 蘭"}),
            ]
            for document in (*(example(path) for path in GOOD), *others):
                made = client.post("records", json=document)
                assert made.status_code == 201, made.text
        yield running
    finally:
        stop(running)


@pytest.fixture(scope="module")
def everyone(sailing: Served) -> Iterator[httpx.Client]:
    with sailing.client() as client:
        yield client


@pytest.fixture(scope="module")
def curator(sailing: Served) -> Iterator[httpx.Client]:
    with sailing.client(**sailing.as_administrator) as client:
        yield client


def found(client: httpx.Client, asked: str) -> list[str]:
    answer = client.get(f"records?{asked}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


V, T = [VENTS], [TRANSIT]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("shipName=Yokosuka", V), ("shipName.prefix=Ka", T), ("shipName.in=Yokosuka,Mirai", V), ("not.shipName=Yokosuka", T),
        ("title.ja.prefix=沖縄", V), ("title=回航", T), ("purpose.exists=true", V),
        ("departedAt=2026-05", V), ("departedAt.lt=2026-05", []), ("departedAt.missing=true", T), ("returnedAt.ge=2026-06", V),
        ("distance=1000..3000 km", V), ("distance.le=30 [nmi_i]", T), ("distance=40000 m", T),
        ("seaArea=https://sea.example/areas/OkinawaTrough", V), ("seaArea.exists=false", T),
        ("crewSize.gt=20", V), ("crewSize=20", T), ("fillLevel.ge=0.5", T), ("inIce=true", T), ("inIce=false", V),
        ("type=expedition", V), ("body.status=aborted", T), ("attribute.sea state=rough", V), ("identifier.doi=10.5555/yk26-08s", V),
        ("previous=" + TRANSIT, V), ("incoming.previous=" + VENTS, T), ("incoming.previous.from.crewSize.gt=50", T),
        ("recovered=sample/lab/core-1", V), ("link.recovered.role=push-core", V), ("link.recovered.to.form=sediment", V),
        ("vessel.to.title.prefix=R/V", V), ("link.vessel.exists=false", T), ("incoming.isPartOf=sample/lab/core-1", V),
    ],
)  # fmt: skip
def test_it_is_found_by_every_sort_of_its_fields_and_by_links(
    everyone: httpx.Client, asked: str, ids: list[str]
) -> None:
    assert found(everyone, f"kind={NAME}&{asked}") == ids


@pytest.mark.parametrize(
    "asked",
    [
        "isPartOf=" + VENTS, "link.isPartOf.kind=research-voyage", "link.isPartOf.kind=research-voyage&link.isPartOf.to.shipName=Yokosuka",
        "incoming.recovered.from.shipName=Yokosuka", "incoming.recovered=" + VENTS, "incoming.any.kind=research-voyage",
    ],
)  # fmt: skip
def test_a_shipped_kind_is_found_by_its_links_with_it(everyone: httpx.Client, asked: str) -> None:
    assert found(everyone, f"kind=sample&form=sediment&{asked}") == ["sample/lab/core-1"]


@pytest.mark.parametrize(
    ("field", "ids"),
    [
        ("shipName", [TRANSIT, VENTS]), ("-shipName", [VENTS, TRANSIT]), ("departedAt", [VENTS, TRANSIT]),
        ("distance", [TRANSIT, VENTS]), ("-crewSize", [VENTS, TRANSIT]), ("title.ja", [TRANSIT, VENTS]),
    ],
)  # fmt: skip
def test_it_is_put_in_order_by_what_its_schema_marks_page_by_page(
    everyone: httpx.Client, field: str, ids: list[str]
) -> None:
    assert found(everyone, f"kind={NAME}&sort={field}") == ids
    first = everyone.get("records", params={"kind": NAME, "sort": field, "limit": 1}).json()
    second = everyone.get("records", params={"kind": NAME, "sort": field, "limit": 1, "cursor": first["next"]}).json()
    assert [item["id"] for page in (first, second) for item in page["items"]] == ids


def test_what_it_does_not_mark_is_no_order_and_a_slip_is_told_what_is_near(everyone: httpx.Client) -> None:
    assert everyone.get(f"records?kind={NAME}&sort=fillLevel").status_code in (400, 422)
    slip = everyone.get(f"records?kind={NAME}&shipname=Kairei")
    assert slip.status_code in (400, 422)
    assert "shipName" in slip.text
    assert everyone.get("records?kind=research-voyages").status_code in (400, 422)


def test_its_record_is_told_in_every_form(everyone: httpx.Client) -> None:
    told = everyone.get(VENTS)
    assert told.status_code == 200
    body = {**good("vents")["body"], "legs": [{**leg} for leg in good("vents")["body"]["legs"]]}
    del body["insurer"], body["legs"][0]["incident"]
    assert told.json()["body"] == body
    assert everyone.get(VENTS, headers={"Accept": "application/ld+json"}).json()["shipName"] == "Yokosuka"
    graphs = []
    for media_type in ("text/turtle", "application/n-triples", "application/rdf+xml"):
        answer = everyone.get(VENTS, headers={"Accept": media_type})
        assert answer.headers["content-type"].startswith(media_type)
        parsed = pyoxigraph.parse(answer.content, format=pyoxigraph.RdfFormat.from_media_type(media_type))
        graphs.append({quad.triple for quad in parsed})
    assert graphs[0] == graphs[1] == graphs[2]
    assert OCEAN + "ResearchVoyage" in {getattr(each.object, "value", "") for each in graphs[0]}


def over_graphql(client: httpx.Client, query: str) -> dict[str, Any]:
    answer = client.post("graphql", json={"query": query})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert "errors" not in told, told
    data: dict[str, Any] = told["data"]
    return data


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ('shipName: {eq: "Yokosuka"}', V), ('shipName: {prefix: "Ka"}', T), ('shipName: {in: ["Yokosuka", "Mirai"]}', V),
        ('not: {shipName: {eq: "Yokosuka"}}', T), ('title: {prefix: "沖縄", language: "ja"}', V), ("purpose: {exists: true}", V),
        ('departedAt: {overlaps: {from: "2026-05", until: "2026-05"}}', V), ('departedAt: {before: "2026-05"}', []),
        ("departedAt: {missing: true}", T), ('distance: {min: 1000, max: 3000, in: "km"}', V), ('distance: {max: 30, in: "[nmi_i]"}', T),
        ('seaArea: {in: ["https://sea.example/areas/OkinawaTrough"]}', V), ("seaArea: {exists: false}", T), ("crewSize: {gt: 20}", V),
        ("fillLevel: {ge: 0.5}", T), ("inIce: {eq: true}", T), ('bodyStatus: {eq: "aborted"}', T),
        ('attribute: {name: "sea state", eq: "rough"}', V), ('identifier: {value: "10.5555/yk26-08s", scheme: "doi"}', V),
        (f'previous: {{some: {{to: ["{TRANSIT}"]}}}}', V), ("researchVoyagesViaPrevious: {some: {where: {crewSize: {gt: 50}}}}", T),
        ('recovered: {some: {role: "push-core", where: {form: {eq: "sediment"}}}}', V), ("vessel: {exists: false}", T),
        ('incoming: {some: {field: "isPartOf", to: ["sample/lab/core-1"]}}', V),
        ('homePort: {country: {eq: "JP"}, lat: {gt: 35}}', V), ('legs: {number: {eq: 2}, to: {eq: "Yokosuka"}}', V),
        ('legs: {number: {eq: 1}, to: {eq: "Yokosuka"}}', []), ("legs: {exists: false}", T), ('callSign: {eq: "7JWB"}', V),
        ('incoming: {some: {field: "isPartOf", whereSample: {form: {eq: "sediment"}}}}', V),
    ],
)  # fmt: skip
def test_it_is_found_over_graphql_by_every_sort_of_its_fields_and_by_links(
    everyone: httpx.Client, where: str, ids: list[str]
) -> None:
    told = over_graphql(everyone, f"{{ researchVoyages(where: {{ {where} }}) {{ nodes {{ id }} totalCount }} }}")
    assert told["researchVoyages"] == {"nodes": [{"id": id} for id in ids], "totalCount": len(ids)}


def test_it_is_told_over_graphql_in_every_form_of_its_fields(everyone: httpx.Client, curator: httpx.Client) -> None:
    told = over_graphql(
        everyone,
        f"""{{ researchVoyage(id: "{VENTS}") {{
            __typename title(language: "ja") status bodyStatus crewSize fillLevel inIce insurer
            departedAt {{ text from until }} distance(in: "km") {{ value unit kind }} seaArea {{ term label(language: "ja") }}
            homePort {{ name(language: "en") lat country }} keywords {{ text }} attribute(name: "sea state") {{ value }}
            legs {{ number to incident waterDepth(in: "m") {{ min max }} scientists {{ to role order }} }}
            recovered(orderBy: [{{by: id}}]) {{ edges {{ role to node {{ id form }} }} }} previous {{ nodes {{ shipName }} }}
        }}
        sample(id: "sample/lab/core-1") {{ researchVoyagesViaRecovered {{ edges {{ role node {{ shipName }} }} }} }}
        records(kinds: ["research-voyage"], orderBy: [{{by: id, descending: true}}]) {{ nodes {{ id ...on ResearchVoyage {{ shipName }} }} }}
        }}""",
    )
    voyage = told["researchVoyage"]
    assert voyage["distance"]["value"] == pytest.approx(2222.4)
    del voyage["distance"]["value"]
    assert voyage == {
        "__typename": "ResearchVoyage", "title": "沖縄トラフの熱水噴出孔", "status": "public", "bodyStatus": "completed",
        "crewSize": 57, "fillLevel": 0.25, "inIce": False, "insurer": None,
        "departedAt": {"text": "2026-05-10T09:00:00+09:00", "from": "2026-05-10T00:00:00.000000Z", "until": "2026-05-10T00:00:01.000000Z"},
        "distance": {"unit": "km", "kind": "Length"},
        "seaArea": {"term": "https://sea.example/areas/OkinawaTrough", "label": "沖縄トラフ"},
        "homePort": {"name": "Yokosuka", "lat": 35.28, "country": "JP"}, "keywords": [{"text": "hydrothermal vent"}],
        "attribute": {"value": "rough"},
        "legs": [
            {"number": 1, "to": "Naha", "incident": None, "waterDepth": {"min": 900, "max": 1400}, "scientists": [{"to": "agent/lab/mori", "role": "lead", "order": 1}]},
            {"number": 2, "to": "Yokosuka", "incident": None, "waterDepth": None, "scientists": None},
        ],
        "recovered": {"edges": [
            {"role": "push-core", "to": "sample/lab/core-1", "node": {"id": "sample/lab/core-1", "form": "sediment"}},
            {"role": None, "to": "sample/lab/core-2", "node": {"id": "sample/lab/core-2", "form": None}},
        ]},
        "previous": {"nodes": [{"shipName": "Kairei"}]},
    }  # fmt: skip
    assert told["sample"] == {
        "researchVoyagesViaRecovered": {"edges": [{"role": "push-core", "node": {"shipName": "Yokosuka"}}]}
    }
    assert told["records"]["nodes"] == [{"id": VENTS, "shipName": "Yokosuka"}, {"id": TRANSIT, "shipName": "Kairei"}]
    for_writers = over_graphql(curator, f'{{ researchVoyage(id: "{VENTS}") {{ insurer legs {{ incident }} }} }}')
    assert for_writers["researchVoyage"] == {
        "insurer": "SECRET-INSURER",
        "legs": [{"incident": "winch jammed SECRET-LEG"}, {"incident": None}],
    }


def test_its_pages_are_in_both_languages_with_its_own_words(everyone: httpx.Client) -> None:
    for language, words in (
        ("en", ("Vents of the Okinawa Trough", "Research voyage", "Distance", "Chief scientists", "Legs", "1200", "R/V Yokosuka")),
        ("ja", ("沖縄トラフの熱水噴出孔", "研究航海", "航程", "首席研究者", "航海区間", "海域")),
    ):  # fmt: skip
        page = everyone.get(VENTS, params={"lang": language}, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert [word for word in words if word not in page.text] == []
    listed = everyone.get(f"records?kind={NAME}&lang=ja", headers={"Accept": "text/html"}).text
    assert "研究航海" in listed
    assert VENTS in listed
    # The sample that it brought up knows it from the other end, by the field's title.
    sample = everyone.get("sample/lab/core-1?lang=en", headers={"Accept": "text/html"}).text
    assert VENTS in sample
    assert "Recovered samples" in sample
    home = everyone.get("?lang=ja", headers={"Accept": "text/html"}).text
    assert f"{NAME}" in home


def test_its_kind_is_documented_by_itself(everyone: httpx.Client) -> None:
    assert NAME in [each["name"] for each in everyone.get("kinds").json()["items"]]
    told = everyone.get(f"kinds/{NAME}").json()
    fields = {field["name"]: field for field in told["fields"]}
    assert told["title"] == {"en": "Research voyage", "ja": "研究航海"}
    assert (fields["recovered"]["kinds"], fields["distance"]["units"]) == (["sample"], ["km", "[nmi_i]"])
    assert fields["shipName"]["facet"] is fields["shipName"]["sortable"] is fields["shipName"]["required"] is True
    assert fields["insurer"]["private"] is True
    for language, words in (
        ("en", ("Sea area", "Chief scientists", "private")),
        ("ja", ("海域", "首席研究者", "並べ替え可")),
    ):
        page = everyone.get(f"kinds/{NAME}?lang={language}", headers={"Accept": "text/html"}).text
        assert [word for word in words if word not in page] == []
    assert "研究航海" in everyone.get("kinds?lang=ja", headers={"Accept": "text/html"}).text
    # The schema as it is published stands alone, and a validator that knows no marks judges as the gate does.
    schema = everyone.get(f"kinds/{NAME}/schema").json()
    plain = jsonschema_rs.Draft202012Validator(schema)
    assert plain.is_valid(good("vents")["body"])
    assert not plain.is_valid({**good("vents")["body"], "recovered": ["agent/lab/mori"]})
    assert everyone.get("context.jsonld").json()["@context"]["shipName"] == "ocean:shipName"
    shapes = everyone.get(f"kinds/{NAME}/shapes").content
    assert list(pyoxigraph.parse(shapes, format=pyoxigraph.RdfFormat.TURTLE))
    assert b"VoyageLegShape" in shapes
    assert (OCEAN + "ResearchVoyage").encode() in everyone.get(
        "ns", headers={"Accept": "application/n-triples"}
    ).content


def test_what_breaks_it_is_told_over_http_in_both_languages(curator: httpx.Client, everyone: httpx.Client) -> None:
    for path in BAD:
        told = example(path)
        said = []
        for language in ("en", "ja"):
            answer = curator.post("records", json=told["submission"], headers={"Accept-Language": language})
            assert answer.status_code == 422, path.stem
            (finding,) = answer.json()["findings"]
            assert (finding["pointer"], finding["rule"]) == (told["finding"]["pointer"], told["finding"]["rule"])
            said.append(finding["message"])
        assert said[0] != said[1]
        assert everyone.get(f"{NAME}/lab/bad/{path.stem}").status_code == 404


def test_it_is_loaded_from_csv_and_exported_in_every_form(curator: httpx.Client, everyone: httpx.Client) -> None:
    columns = "/kind,/source,/localId,/body/title/ja,/body/shipName,/body/crewSize,/body/inIce,/body/distance/value,/body/distance/unit,/body/previous/0/to"
    lines = f"{columns}\n{NAME},lab,csv/1,臨時航海,Shinsei,12,true,3.5,km,{TRANSIT}\n{NAME},lab,csv/2,不明,,1,,,,\n"
    answer = curator.post("records?mode=tolerant", content=lines.encode(), headers={"Content-Type": "text/csv"})
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[-1]["counts"] == {"created": 1, "quarantined": 1}
    body = everyone.get(f"{NAME}/lab/csv/1").json()["body"]
    assert (body["crewSize"], body["inIce"], body["distance"]) == (12, True, {"value": 3.5, "unit": "km"})
    assert everyone.get(f"{NAME}/lab/csv/2").status_code == 404

    exported = everyone.get(f"export?kind={NAME}", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(line)["id"] for line in exported] == [TRANSIT, VENTS, f"{NAME}/lab/csv/1"]
    quads = everyone.get(f"export?kind={NAME}", headers={"Accept": "application/n-quads"}).content
    assert len({quad.subject for quad in pyoxigraph.parse(quads, format=pyoxigraph.RdfFormat.N_QUADS)}) > 3
    rows_ = list(csv.DictReader(io.StringIO(everyone.get(f"export?kind={NAME}", headers={"Accept": "text/csv"}).text)))
    assert [(row["id"], row["ship_name"], row["body_status"]) for row in rows_] == [
        (TRANSIT, "Kairei", "aborted"), (VENTS, "Yokosuka", "completed"), (f"{NAME}/lab/csv/1", "Shinsei", ""),
    ]  # fmt: skip
    assert curator.request("DELETE", f"{NAME}/lab/csv/1", params={"reason": "made up"}).status_code == 200


def test_what_is_private_in_it_is_told_to_who_may_write_and_to_nobody_else(
    curator: httpx.Client, everyone: httpx.Client
) -> None:
    curator.put(VENTS, json={"body": {**good("vents")["body"], "crewSize": 58, "insurer": "SECRET-INSURER anew"}})
    read = curator.get(VENTS).json()["body"]
    assert (read["insurer"], read["legs"][0]["incident"]) == ("SECRET-INSURER anew", "winch jammed SECRET-LEG")
    addresses = [
        VENTS,
        f"{VENTS}?revision=1",
        f"{VENTS}?asOf=2099",
        f"revisions/{VENTS}",
        f"revisions/{VENTS}?between=1,2",
    ]
    addresses += [
        f"records?kind={NAME}",
        f"records?kind={NAME}&select=body,links",
        f"records?kind={NAME}&select=insurer,legs",
    ]
    addresses += [f"links/{VENTS}", "links/sample/lab/core-1", "changes", "", f"export?kind={NAME}"]
    for address in addresses:
        for accept in (
            "application/json", "text/html", "application/ld+json", "text/turtle", "application/n-triples",
            "application/rdf+xml", "application/x-ndjson", "application/n-quads", "text/csv",
        ):  # fmt: skip
            answer = everyone.get(address, headers={"Accept": accept})
            assert answer.status_code in (200, 400, 406, 422), (address, accept, answer.text)
            assert [name for name, secret in SECRETS.items() if secret in answer.text] == [], (address, accept)
    # Nor can it be guessed: to ask for it is to ask for what is not there.
    for asked in ("insurer=SECRET-INSURER anew", "insurer.prefix=SECRET", "insurer.exists=true", "sort=insurer"):
        answer = everyone.get(f"records?kind={NAME}&{asked}")
        assert answer.status_code in (400, 422) or answer.json()["items"] == [], asked
    changed = everyone.get(f"revisions/{VENTS}?between=1,2").json()
    assert [step["pointer"] for group in changed["groups"] for step in group["changes"]] == ["/crewSize"]
    curator.put(VENTS, json={"body": good("vents")["body"]})


def test_a_profile_of_it_judges(curator: httpx.Client) -> None:
    document = {
        "name": "deep-voyage",
        "kind": NAME,
        "title": {"en": "Deep voyages"},
        "schema": {"required": ["distance"]},
    }
    assert curator.post("profiles", json=document).status_code == 201
    assert curator.post("profiles/deep-voyage@1/publish").status_code == 200
    held = {**voyage(1), "profile": "deep-voyage@1"}
    refused = curator.post("records", json=held)
    assert (refused.status_code, refused.json()["findings"][0]["breaks"]) == (422, "profile")
    held["body"]["distance"] = {"value": 1, "unit": "km"}
    assert curator.post("records?dryRun=true", json=held).json()["outcome"] == "created"


def test_the_description_of_the_service_stays_as_it_is(everyone: httpx.Client) -> None:
    assert everyone.get("openapi.json").json() == json.loads(json.dumps(description(bare())))


# --- at the command line


def command(data: Path) -> Callable[..., Result]:
    def run(*words: str, **more: Any) -> Result:
        done = CliRunner().invoke(catalog, [*words, "--data", str(data)], catch_exceptions=False, **more)
        assert done.exit_code == 0, done.output
        return done

    return run


def test_the_command_line_knows_it_and_a_backup_brings_it_elsewhere(sailing: Served, tmp_path: Path) -> None:
    here, there = command(sailing.data), command(with_kind(tmp_path / "there"))
    assert "Ship" in here("kind", "show", NAME).stdout
    assert json.loads(here("kind", "show", NAME, "--json").stdout)["x-kind"] == NAME
    assert NAME in here("kind", "list").stdout
    here("backup", str(tmp_path / "saved.tar"))
    there("restore", str(tmp_path / "saved.tar"))

    file = tmp_path / "voyage.json"
    file.write_text(json.dumps(voyage(1, distance={"value": 2, "unit": "km"})), "utf-8")
    assert json.loads(there("submit", str(file), "--json").stdout.splitlines()[0])["outcome"] == "created"
    there("check", str(file))
    assert json.loads(there("get", VENTS, "--json").stdout)["body"]["insurer"].startswith("SECRET")
    assert "Yokosuka" in there("get", VENTS).stdout
    listed = there("list", NAME, "distance=1..3 km", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == [f"{NAME}/lab/v0001"]
    for form, word in (("ndjson", '"shipName":"Kairei"'), ("nquads", OCEAN + "shipName"), ("csv", "ship_name")):
        told = there("export", NAME, "--form", form).stdout
        assert word in told
        assert VENTS in told


def test_a_server_that_is_started_with_a_grown_schema_fills_the_mirror_by_itself(tmp_path: Path) -> None:
    data = with_kind(tmp_path / "data")
    first = start(data)
    try:
        prepare(first)
        with first.client(**first.as_administrator) as client:
            assert client.post("records", json=voyage(1)).status_code == 201
            assert client.get(f"records?kind={NAME}&fuel.exists=false").status_code in (400, 422)
    finally:
        stop(first)
    with_kind(data, grown(tmp_path / "later"))

    second = start(data)
    try:
        with second.client(**second.as_administrator) as client:
            assert client.post("records", json=voyage(2, fuel={"value": 2, "unit": "L"})).status_code == 201
            assert client.post("records", json=voyage(3, fuel={"value": 1, "unit": "L"})).status_code == 201
            asked = f"kind={NAME}&fuel.exists=true&sort=fuel"
            until = time.monotonic() + 180
            while found(client, asked) != [f"{NAME}/lab/v0003", f"{NAME}/lab/v0002"]:
                assert time.monotonic() < until, "the new mirror does not answer"
                time.sleep(0.05)
            assert found(client, f"kind={NAME}&fuel.le=1.5 L") == [f"{NAME}/lab/v0003"]
    finally:
        stop(second)


def test_records_that_a_changed_schema_cannot_read_are_said_in_the_log_and_the_old_mirror_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = with_kind(tmp_path / "data")
    run = command(data)
    run("init")
    run("scope", "add", "lab", "--title", "en=Lab")
    source = tmp_path / "source.json"
    source.write_text(json.dumps({"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}), "utf-8")
    run("source", "register", str(source))
    run("submit", "-", input=json.dumps(voyage(1, crewSize=3)))
    changed = grown(tmp_path / "changed")
    path = changed / "schemas" / "kinds" / f"{NAME}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    crew = schema["properties"]["crewSize"]
    told = {name: crew[name] for name in ("title", "description", "x-ja")}
    schema["properties"]["crewSize"] = {**told, "$ref": "common#/$defs/quantity"}
    path.write_text(json.dumps(schema), "utf-8")
    with_kind(data, changed)

    opened_again = open_catalog(read_settings(data=data))
    try:
        with mirrors_filled(opened_again):
            until = time.monotonic() + 180
            while not caplog.records and time.monotonic() < until:
                time.sleep(0.01)
    finally:
        opened_again.close()

    assert "could not be filled: the old one goes on answering" in caplog.text
    assert "v0001" in run("list", NAME).stdout
    with_kind(data)
    assert "v0001" in run("list", NAME, "crewSize=3").stdout


def test_a_catalogue_whose_kind_lost_its_files_says_which_one_and_does_not_start(tmp_path: Path) -> None:
    data = with_kind(tmp_path / "data")
    run = command(data)
    run("init")
    (data / SETTINGS).write_text("", "utf-8")
    run("list")  # nobody has used the kind yet

    with_kind(data)
    run("scope", "add", "lab", "--title", "en=Lab")
    source = tmp_path / "source.json"
    source.write_text(json.dumps({"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}), "utf-8")
    run("source", "register", str(source))
    run("submit", "-", input=json.dumps(voyage(1)))
    (data / SETTINGS).write_text("", "utf-8")

    refused = CliRunner().invoke(catalog, ["list", "--data", str(data)])
    assert refused.exit_code != 0
    assert NAME in refused.stderr
    assert "setting kinds" in refused.stderr
    with_kind(data)
    assert "v0001" in run("list").stdout


# --- what people are told


def test_the_page_on_kinds_documents_every_mark_and_its_example_is_a_kind(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "kinds.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(x-[a-z]+)` \|", page, re.MULTILINE)) == MARKS
    blocks = re.findall(r"^`(buoy[a-z.]+)` in `([a-z/]+)`:\n\n```[a-z]+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for name, place, text in blocks:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / name).write_text(text, "utf-8")
    (record,) = re.findall(r'^`(\{"kind": "buoy".*\})`', page, re.MULTILINE)

    buoys = load_kinds(shipped(), tmp_path)

    assert set(buoys) - set(load_kinds()) == {"buoy"}
    assert b"BuoyShape" in buoys.shapes["buoy"]
    sound, twice = judged(json.loads(record), buoys), {**json.loads(record)}
    assert sound.findings == ()
    twice["body"] = {**twice["body"], "visits": [{"day": "2026-05-10", "captain": "Ahab"}]}
    assert {finding.pointer for finding in judged(twice, buoys).findings} == {"/visits/0/captain"}
