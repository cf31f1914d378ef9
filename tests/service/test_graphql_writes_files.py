"""Files of datasets and where their bytes are, changed over GraphQL as over REST."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.service.test_graphql_writes import REFUSAL, SUBMIT, asked, done, sample

OF: Final = "id version count size"
PUT: Final = (
    REFUSAL
    + """
mutation Put($id: ID!, $files: [FileInput!]!, $expectedVersion: Int) {
  putFiles(id: $id, files: $files, expectedVersion: $expectedVersion) {
    ...Refusal ... on FilesListed { __typename id version count size record { id } }
  }
}
"""
)
FILE: Final = {
    "path": "scan/0001.h5",
    "size": 5_000_000_000,
    "checksums": [{"algorithm": "sha256", "value": "9f86d081884c7d65"}],
    "locations": [{"address": "https://data.example.org/scan/0001.h5", "state": "online", "facility": None}],
}


@pytest.fixture
def dataset(administrator: httpx.Client) -> str:
    submission = {"source": "lab", "localId": "gf-1", "body": {"dataset": {"title": {"en": "With files"}}}}
    id: str = asked(administrator, SUBMIT, submission=submission)["submit"]["id"]
    return id


def listed(client: httpx.Client, id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"files/{id}").json()["items"]
    return items


def test_the_list_of_files_is_set_added_to_and_taken_from(administrator: httpx.Client, dataset: str) -> None:
    put = asked(administrator, PUT, id=dataset, files=[FILE])["putFiles"]
    assert (put["__typename"], put["count"], put["size"]) == ("FilesListed", 1, 5_000_000_000)
    assert listed(administrator, dataset) == [
        {**FILE, "locations": [{"address": "https://data.example.org/scan/0001.h5", "state": "online"}]}
    ]

    added = done(administrator, f'addFiles(id: "{dataset}", files: [{{path: "b"}}, {{path: "c"}}])', "FilesListed", OF)
    assert (added["count"], added["version"]) == (3, put["version"] + 1)
    stale = asked(administrator, PUT, id=dataset, files=[], expectedVersion=put["version"])["putFiles"]
    assert (stale["__typename"], stale["currentRevision"]) == ("Conflict", added["version"])
    taken = done(administrator, f'takeFiles(id: "{dataset}", paths: ["b", "never"])', "FilesListed", OF)
    assert taken["count"] == 2
    assert [each["path"] for each in listed(administrator, dataset)] == ["c", "scan/0001.h5"]


def test_a_file_that_cannot_be_stored_changes_nothing(administrator: httpx.Client, dataset: str) -> None:
    asked(administrator, PUT, id=dataset, files=[FILE])
    wrong = asked(administrator, PUT, id=dataset, files=[{"path": "a"}, {"path": "../b"}])["putFiles"]
    assert (wrong["__typename"], wrong["findings"][0]["pointer"]) == ("Invalid", "/files/1/path")
    assert [each["path"] for each in listed(administrator, dataset)] == ["scan/0001.h5"]
    many = asked(administrator, PUT, id=dataset, files=[{"path": str(number)} for number in range(10_001)])["putFiles"]
    assert many["__typename"] == "TooLarge"
    asked(administrator, SUBMIT, submission=sample("gf-sample"))
    none = asked(administrator, PUT, id="sample/lab/gf-sample", files=[])["putFiles"]
    assert none["__typename"] == "Invalid"


def test_locations_of_a_file_come_and_go(administrator: httpx.Client, dataset: str) -> None:
    asked(administrator, PUT, id=dataset, files=[FILE, {"path": "other"}])
    home, tape = FILE["locations"][0]["address"], "tape://vault/7"  # type: ignore[index]

    def places() -> dict[str, str]:
        (file,) = (each for each in listed(administrator, dataset) if each["path"] == FILE["path"])
        return {each["address"]: each["state"] for each in file.get("locations", ())}

    of_file = f'id: "{dataset}", path: "scan/0001.h5"'
    added = done(
        administrator,
        f'addLocations({of_file}, locations: [{{address: "{tape}", state: "offline"}}, {{address: "{home}"}}])',
        "FilesListed",
        OF,
    )
    assert added["count"] == 2
    assert places() == {home: "online", tape: "offline"}
    state = f'setLocationState({of_file}, address: "{tape}", state: "restoring", until: "2027-01-01T00:00:00Z")'
    assert done(administrator, state, "LocationStateSet", "id")["id"] == dataset
    assert places() == {home: "online", tape: "restoring"}
    wrong = done(administrator, state.replace("restoring", "somewhere"), "LocationStateSet", "id")
    assert wrong["__typename"] == "Invalid"
    done(administrator, f'takeLocations({of_file}, addresses: ["{home}"])', "FilesListed", OF)
    assert places() == {tape: "restoring"}
    never = done(administrator, f'takeLocations(id: "{dataset}", path: "never", addresses: [])', "FilesListed", OF)
    assert never["__typename"] == "NotFound"


def test_files_are_changed_by_who_may_write_their_record(public: httpx.Client, dataset: str) -> None:
    assert asked(public, PUT, id=dataset, files=[FILE])["putFiles"]["__typename"] == "Unauthenticated"
