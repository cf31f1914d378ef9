"""The Python client before a real server: records entered with types, refused with the catalogue's own errors, and read again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.client import Client, Submitted
from catalog.client.inputs import SubmissionInput
from catalog.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from tests.service.conftest import Served


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.address, served.token) as made:
        yield made


@pytest.fixture
def public_client(served: Served) -> Iterator[Client]:
    with Client(served.address) as made:
        yield made


def sheet(local: str, english: str = "Cathode sheet") -> SubmissionInput:
    return {
        "source": "lab",
        "localId": local,
        "body": {"sample": {"title": {"en": english, "ja": "正極シート"}, "sampleType": "solid"}},
    }


def test_a_record_is_entered_with_types_and_read_again(client: Client, public_client: Client) -> None:
    made = client.submit(sheet("client/s-1"))
    assert (made.id, made.outcome, made.revision) == ("sample/lab/client/s-1", "CREATED", 1)
    assert made.position is not None
    again = client.submit(sheet("client/s-1"))
    assert (again.outcome, again.revision, again.position) == ("UNCHANGED", 1, None)
    assert client.submit(sheet("client/s-1", "Cathode sheet, aged")).outcome == "REVISED"
    told = public_client.record(made.id, 'id kind title(language: "en")')
    assert told == {"id": made.id, "kind": "sample", "title": "Cathode sheet, aged"}


def test_what_is_only_tried_is_not_stored(client: Client) -> None:
    assert client.submit(sheet("client/tried"), dry_run=True).outcome == "CREATED"
    assert client.record("sample/lab/client/tried") is None


def test_what_breaks_a_rule_is_raised_with_its_findings(client: Client) -> None:
    wrong: SubmissionInput = {
        "source": "lab",
        "localId": "client/wrong",
        "body": {"sample": {"sampleType": "solid", "collectedAt": "soon"}},
    }
    with pytest.raises(Invalid) as refused:
        client.submit(wrong)
    assert {finding.pointer for finding in refused.value.findings} >= {"/collectedAt"}
    assert all(finding.messages["en"] for finding in refused.value.findings)


def test_a_revision_that_was_overtaken_is_a_conflict_that_tells_which_there_is(client: Client) -> None:
    client.submit(sheet("client/moving"))
    with pytest.raises(Conflict) as refused:
        client.submit({**sheet("client/moving", "Other"), "expectedRevision": 7})
    assert refused.value.revision == 1


def test_who_may_not_write_is_refused(public_client: Client) -> None:
    with pytest.raises(Forbidden):
        public_client.submit(sheet("client/forbidden"))


def test_many_are_answered_each_for_itself_and_in_their_order(client: Client) -> None:
    stray = sheet("client/m-2")
    stray["source"] = "nowhere"
    many = [sheet("client/m-1"), stray, sheet("client/m-3")]
    first, refused, third = client.submit_each(many)
    assert isinstance(first, Submitted)
    assert first.id == "sample/lab/client/m-1"
    assert isinstance(refused, Invalid | Forbidden)
    assert isinstance(third, Submitted)


def test_every_record_of_a_list_comes_page_by_page(client: Client, public_client: Client) -> None:
    for number in range(5):
        client.submit(sheet(f"client/listed-{number}", "Listed by the client"))
    where = {"title": {"eq": "Listed by the client", "language": "en"}}
    found = [each["id"] for each in public_client.every("samples", "id", where=where, page=2)]
    assert found == [f"sample/lab/client/listed-{number}" for number in range(5)]
    with pytest.raises(NotFound, match="samples"):
        next(public_client.every("specimens"))


def test_what_was_withdrawn_is_gone_with_its_reason(client: Client, public_client: Client) -> None:
    made = client.submit(sheet("client/left"))
    client.withdraw(made.id, "Registered twice")
    with pytest.raises(Gone) as gone:
        public_client.record(made.id)
    assert "Registered twice" in str(gone.value)
    assert public_client.record("sample/lab/client/never") is None


def test_a_query_that_the_schema_does_not_have_is_invalid_and_a_wrong_token_forbidden(
    served: Served, client: Client
) -> None:
    with pytest.raises(Invalid, match="titel"):
        client.ask("{ samples { nodes { titel } } }")
    with Client(served.address, "mst_nobodys") as stranger, pytest.raises(Forbidden):
        stranger.ask("{ __typename }")
