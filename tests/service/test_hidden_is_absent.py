"""What one may not see looks exactly like what does not exist: in status, headers and body of every answer."""

from __future__ import annotations

import httpx
import pytest

HIDDEN = {
    "private": {"localId": "hidden/private", "status": "private"},
    "draft": {"localId": "hidden/draft", "status": "draft"},
    "limited": {"localId": "hidden/limited", "scope": "lab/closed"},
}


@pytest.fixture(scope="module", autouse=True)
def records(administrator: httpx.Client) -> None:
    title = {"title": {"en": "a secret"}}
    for more in HIDDEN.values():
        made = administrator.post("records", json={"kind": "sample", "source": "lab", "body": title, **more})
        assert made.status_code in (200, 201), made.text
    body = {"title": {"en": "open"}, "derivedFrom": [f"sample/lab/{more['localId']}" for more in HIDDEN.values()]}
    administrator.post("records", json={"kind": "sample", "source": "lab", "localId": "hidden/open", "body": body})


def said(answer: httpx.Response, id: str) -> tuple[int, dict[str, str], str]:
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "server", "location")}
    return answer.status_code, headers, answer.text.replace(id, "ID")


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("before", ["", "revisions/", "links/", "files/"])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_hidden_record_answers_as_one_that_never_was(
    public: httpx.Client, name: str, before: str, accept: str
) -> None:
    # Of one length, since a Content-Length would differ with the id that is quoted.
    hidden = f"sample/lab/{HIDDEN[name]['localId']}"
    absent = hidden[:-1] + "X"
    headers = {"Accept": accept, "If-None-Match": "*"}
    one, other = (said(public.get(before + id, headers=headers), id) for id in (hidden, absent))
    assert one == other
    assert one[0] in (404, 406)


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("params", [{"revision": "1"}, {"asOf": "2030"}, {"format": "turtle"}, {"lang": "ja"}])
def test_no_parameter_brings_it_out(public: httpx.Client, name: str, params: dict[str, str]) -> None:
    hidden = f"sample/lab/{HIDDEN[name]['localId']}"
    absent = hidden[:-1] + "X"
    assert said(public.get(hidden, params=params), hidden) == said(public.get(absent, params=params), absent)


@pytest.mark.parametrize("name", HIDDEN)
def test_it_is_in_no_list_count_link_feed_or_export(
    public: httpx.Client, administrator: httpx.Client, name: str
) -> None:
    hidden = f"sample/lab/{HIDDEN[name]['localId']}"
    assert administrator.get(hidden).status_code == 200
    for address in (
        f"records?id={hidden}&count=exact",
        f"records?kind=sample&status={HIDDEN[name].get('status', 'public')}&localId.prefix=hidden/",
        f"records?kind=sample&link.derivedFrom={hidden}",
        "sample/lab/hidden/open",
        "sample/lab/hidden/open?format=ntriples",
        "links/sample/lab/hidden/open",
        "changes?limit=1000",
        "export?kind=sample",
        "export?format=nquads",
        "sample/lab/hidden/open?format=html",
    ):
        answer = public.get(address)
        assert answer.status_code == 200, answer.text
        text = (
            answer.text.replace(hidden, "", 1) if "html" not in address and address.startswith("never") else answer.text
        )
        assert hidden not in text, address
        assert "a secret" not in text
    assert hidden in administrator.get("sample/lab/hidden/open").text


def test_counts_do_not_tell_of_it(public: httpx.Client, administrator: httpx.Client) -> None:
    before = public.get("").json()["kinds"], public.get("records?kind=sample&count=exact&limit=1").json()["total"]
    for number in range(3):
        administrator.post(
            "records",
            json={
                "kind": "sample",
                "source": "lab",
                "localId": f"more/{number}",
                "status": "private",
                "body": {"title": {"en": "x"}},
            },
        )
    after = public.get("").json()["kinds"], public.get("records?kind=sample&count=exact&limit=1").json()["total"]
    assert before == after
    assert "musubi_records" not in public.get("metrics").text
    assert "musubi_ledger_position" in administrator.get("metrics").text


def test_writing_to_it_is_refused_to_the_public_as_writing_anywhere(public: httpx.Client) -> None:
    for id in ("sample/lab/hidden/private", "sample/lab/hidden/privatX"):
        for answer in (public.put(id, json={"body": {}}), public.post(f"withdraw/{id}", json={"reason": "x"})):
            assert answer.status_code == 401
    one, other = (
        said(public.post(f"withdraw/{id}", json={"reason": "x"}), id)
        for id in ("sample/lab/hidden/private", "sample/lab/hidden/privatX")
    )
    assert one == other


def test_what_is_closed_is_gone_at_the_next_request_and_what_is_opened_is_there(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    assert administrator.put("scopes/lab/door", json={"mode": "everyone"}).status_code in (200, 201)
    administrator.post(
        "records",
        json={
            "kind": "sample",
            "source": "lab",
            "localId": "door",
            "scope": "lab/door",
            "body": {"title": {"en": "d"}},
        },
    )
    first = public.get("sample/lab/door")
    assert first.status_code == 200
    assert first.headers["cache-control"] == "public, no-cache"
    assert administrator.patch("scopes/lab/door", json={"mode": "limited"}).status_code == 200
    closed = public.get("sample/lab/door", headers={"If-None-Match": first.headers["etag"]})
    assert closed.status_code == 404
    assert public.get("scopes/lab/door").status_code == 404
    assert "lab/door" not in public.get("scopes").text
    assert administrator.get("sample/lab/door").headers["cache-control"] == "private, no-cache"
    assert administrator.patch("scopes/lab/door", json={"mode": None}).status_code == 200
    assert public.get("sample/lab/door").status_code == 200
