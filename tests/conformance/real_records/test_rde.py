"""Real invoices of NIMS RDE are kept whole; the schemas of its dataset templates register as profiles, mended and said."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import Invalid
from catalog.records.kinds import load_kinds
from catalog.records.record import Submission
from catalog.validation.profiles import CompiledProfile, compile_profile, profile_address
from tests.conformance.real_records.carried import judged, kept_their_kind, leaves, lost

# What each invoice breaks of the profile nims-rde, which knows no template; those that are wrong only for their
# template are refused by its own schema, below.
INVOICES: dict[str, list[tuple[str, str]]] = {
    "invoice.json": [],
    "invoice_allow_none.json": [],
    "invoice_invalid.json": [],
    "invoice_invalid_none_basic.json": [
        ("/details/basic/dataName", "schema/pattern"),
        ("/details/basic/dataOwnerId", "schema/pattern"),
    ],
    "invoice_invalid_sample_anyof.json": [("/details/sample/names", "schema/type")],
}

# What was mended in each template's schema. Array-form "items" is not valid in the 2020-12 that they declare.
ARRAY_ITEMS = "dialect/items"
SCHEMAS: dict[str, list[str]] = {
    "invoice.schema.json": [ARRAY_ITEMS, ARRAY_ITEMS],
    "invoice.schema.basic.json": ["dialect/$schema"],
    "invoice.schema.full.json": [ARRAY_ITEMS, ARRAY_ITEMS],
    # Invalid by RDE's own convention only ("labels" for "label"), of which JSON Schema knows nothing.
    "invoice.schema_invalid.json": [ARRAY_ITEMS, ARRAY_ITEMS],
    "invoice.schema_none_custom.json": [ARRAY_ITEMS, ARRAY_ITEMS],
    "invoice.schema_none_generalAttributes.json": [ARRAY_ITEMS],
    "invoice.schema_none_sample.json": [],
    "invoice.schema_none_specificAttributes.json": [ARRAY_ITEMS],
}
# "type": "float" and "objects" are no types of JSON Schema.
REFUSED = {"invoice.schema_not_support_value.json": ["profile/schema"]}

# Headings of RDE's spreadsheet for invoices, without a row of data below them.
EMPTY_TABLES = ("test_excelinvoice_term_sample.csv", "test_excelinvoice_term_sample_folder.csv")

# What the template's schema says of the invoices. RDE leaves the nulls out before it asks; here they are shown. A time
# has an offset in RFC 3339, which "20:20:39" has not.
CUSTOM = "/details/custom/"
BY_TEMPLATE: dict[str, list[tuple[str, str]]] = {
    "invoice.json": [(f"{CUSTOM}sample4", "schema/format")],
    "invoice_invalid.json": [(f"{CUSTOM}sample1", "schema/type"), (f"{CUSTOM}sample2", "schema/type")],
}


@pytest.fixture(scope="module")
def folder(test_data: Path) -> Path:
    """Where RDE's files are."""
    return test_data / "facility" / "rde"


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8-sig"))


def submission_of(name: str, invoice: dict[str, Any]) -> Submission:
    """A dataset with its invoice; what the template asked for is an attribute too."""
    basic = invoice["basic"]
    body: dict[str, Any] = {
        "title": {"und": basic["dataName"] or name},
        "details": invoice,
        "attributes": [
            {"name": key, "value": value, "group": "custom"}
            for key, value in invoice["custom"].items()
            if value is not None
        ],
    }
    if basic["dateSubmitted"]:
        body["createdAt"] = basic["dateSubmitted"]
    return Submission("dataset", "nims", f"{invoice['datasetId']}/{name}", body, "nims-rde@1")


def template(path: Path) -> CompiledProfile:
    """A dataset template's schema, registered as what it is: a schema of invoices."""
    return compile_profile("rde-template", 1, "dataset", read(path), None, kinds=load_kinds())


def holding_details_to(invoices: CompiledProfile) -> CompiledProfile:
    """A profile that holds `details` to a schema of invoices, by its address."""
    address = profile_address(invoices.name, invoices.version)
    schema = {"properties": {"details": {"$ref": address}}, "required": ["details"]}
    registered = {address: invoices.schema}
    return compile_profile("rde-by-template", 1, "dataset", schema, None, kinds=load_kinds(), registered=registered)


def test_every_file_of_rde_is_tried(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*INVOICES, *SCHEMAS, *REFUSED, *EMPTY_TABLES}


@pytest.mark.parametrize("name", INVOICES)
def test_an_invoice_is_kept_whole_and_breaks_its_profile_only_where_it_is_known(folder: Path, name: str) -> None:
    invoice = read(folder / name)
    made = submission_of(name, invoice)
    verdicts = judged([made])
    assert kept_their_kind(verdicts)
    assert sorted((one.pointer, one.rule) for one in verdicts[0].findings) == INVOICES[name]
    assert made.body["details"] == invoice
    assert lost(leaves(invoice), made) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_template_s_schema_registers_as_a_profile_and_what_was_mended_is_said(folder: Path, name: str) -> None:
    profile = template(folder / name)
    assert [note.rule for note in profile.notes] == SCHEMAS[name]
    assert all(set(note.messages) == {"en", "ja"} for note in profile.notes)
    assert profile.submitted == read(folder / name)
    assert holding_details_to(profile).judge.accepts({"details": "no invoice"}) is False


@pytest.mark.parametrize("name", REFUSED)
def test_a_schema_with_types_that_do_not_exist_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        template(folder / name)
    assert [finding.rule for finding in refused.value.findings] == REFUSED[name]


def test_an_invoice_that_is_invalid_for_its_template_is_refused_by_the_template_s_own_schema(folder: Path) -> None:
    profile = holding_details_to(template(folder / "invoice.schema.json"))
    for name, expected in BY_TEMPLATE.items():
        found = profile.judge.findings({"details": read(folder / name)})
        assert [(one.pointer, one.rule) for one in found] == expected, name


def test_the_empty_members_of_an_invoice_are_shown_by_its_template_s_schema(folder: Path) -> None:
    profile = holding_details_to(template(folder / "invoice.schema.json"))
    invoice = read(folder / "invoice_allow_none.json")
    found = {(one.pointer, one.rule) for one in profile.judge.findings({"details": invoice})}
    empty = {f"{CUSTOM}{key}" for key, value in invoice["custom"].items() if value is None}
    assert {pointer for pointer, rule in found if rule == "schema/type"} == empty
    without = {**invoice, "custom": {key: value for key, value in invoice["custom"].items() if value is not None}}
    assert profile.judge.accepts({"details": without})


@pytest.mark.parametrize("name", EMPTY_TABLES)
def test_the_spreadsheet_has_headings_only(folder: Path, name: str) -> None:
    with (folder / name).open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    keys = next(number for number, row in enumerate(rows) if "dataset_title" in row)
    assert rows[0][0] == "invoiceList_format_id"
    (explained,) = rows[keys + 1 :]
    assert explained[0].startswith("ファイル名")
