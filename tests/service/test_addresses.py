"""Ids in addresses: whatever a local id holds comes through the real server, and each id has one address."""

from __future__ import annotations

import http.client
import unicodedata

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.records.identifiers import encode_local
from tests.service.conftest import Served

# Every character but controls, surrogates and what is not composed; segments that mean something are left out.
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn"))
LOCAL_IDS = (
    st.text(CHARACTERS, min_size=1, max_size=60)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: len(text.encode()) <= 512 and all(part not in ("", ".", "..") for part in text.split("/")))
)


def fetch(served: Served, target: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    """Ask for exactly this target, which no client has tidied up."""
    connection = http.client.HTTPConnection(served.host, timeout=30)
    try:
        connection.putrequest(method, target, skip_host=False, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.getheader("location"), answer.read()
    finally:
        connection.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(local_id=LOCAL_IDS)
@example("a b")
@example('it\'s "quoted" <&>')
@example("%2F")
@example("%252F and %")
@example("100%")
@example("a/b//c".replace("//", "/"))
@example("🧪/試料 №1")
@example("?q=1#fragment")
@example("a+b;c=d,e:f@g!$&'()*")
@example("\\back\\slash|pipe^`{}[]")
@example("é" * 256)
@example("x" * 512)
@example("...")
@example("é".strip())
def test_any_local_id_comes_back_as_it_was_sent(served: Served, administrator: httpx.Client, local_id: str) -> None:
    body = {"title": {"en": "named"}}
    answer = administrator.post(
        "records", json={"kind": "sample", "source": "other", "localId": local_id, "body": body}
    )
    assert answer.status_code in (200, 201), answer.text
    id = answer.json()["id"]
    assert id == f"sample/other/{encode_local(local_id)}"
    assert answer.headers["location"] == f"/{id}"
    status, _, text = fetch(served, f"/{id}")
    assert status == 200
    assert httpx.Response(200, content=text).json()["localId"] == local_id
    page = administrator.get(id, headers={"Accept": "text/html"})
    assert page.status_code == 200
    turtle = administrator.get(id, headers={"Accept": "application/n-triples"})
    assert f"<{served.address}{id}> ".encode() in turtle.content


def test_another_spelling_of_an_id_is_sent_on_to_its_one_address(served: Served, administrator: httpx.Client) -> None:
    administrator.post(
        "records", json={"kind": "sample", "source": "other", "localId": "a~b é/c", "body": {"title": {"en": "t"}}}
    )
    right = "/sample/other/a~b%20%C3%A9/c"
    assert fetch(served, right)[0] == 200
    for other in ("/sample/other/a%7Eb%20%C3%A9/c", "/sample/other/a~b%20%c3%a9/c", "/sample/other/%61~b%20%C3%A9%2Fc"):
        assert fetch(served, other)[:2] == (308, right), other
    assert fetch(served, "/revisions/sample/other/a%7Eb%20%C3%A9/c")[:2] == (308, "/revisions" + right)


@pytest.mark.parametrize(
    "target",
    [
        "/sample/other/..",
        "/sample/other/a/../b",
        "/sample/other/./a",
        "/sample/other/a//b",
        "/sample/other/",
        "/sample/other/%00",
        "/sample/other/%FF%FE",
        "/sample/other/" + "x" * 513,
        "/sample/Other/a",
        "/Sample/other/a",
        "/no-such-kind/other/a",
        "/sample/other",
        "//sample/other/a",
        "/sample%2Fother%2Fa",
        "/revisions/..%2f..%2fetc",
        "/static/..%2F..%2Fapp.py",
        "/static/../app.py",
        "/files/",
    ],
)
def test_what_cannot_be_an_id_is_not_found(served: Served, target: str) -> None:
    status, _, body = fetch(served, target)
    assert status == 404, body
    assert b"not-found" in body


@pytest.mark.parametrize("local_id", ["", "..", "a/../b", "a//b", "/a", "x" * 513, "a\u0000b", "a\nb", "e\u0301"])
def test_a_local_id_that_breaks_the_rules_is_refused_in_words(administrator: httpx.Client, local_id: str) -> None:
    answer = administrator.post(
        "records", json={"kind": "sample", "source": "other", "localId": local_id, "body": {"title": {"en": "t"}}}
    )
    assert answer.status_code in (400, 422)
    assert len(answer.json()["detail"]) > 20
