"""A record from its first submission to its withdrawal, by HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.service.conftest import Served

BODY = {"title": {"en": "Cathode", "ja": "正極"}, "formula": "LiCoO2"}


def submission(local_id: str, **more: object) -> dict[str, object]:
    return {"kind": "sample", "source": "lab", "localId": local_id, "body": BODY, **more}


@pytest.fixture
def made(administrator: httpx.Client, request: pytest.FixtureRequest) -> str:
    """The id of a record that is there."""
    answer = administrator.post("records", json=submission(f"made/{request.node.name}"))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_record_is_created_read_revised_and_left_alone_when_nothing_is_new(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    created = administrator.post("records", json=submission("life/1"))
    assert created.status_code == 201
    assert created.headers["location"] == "/sample/lab/life/1"
    assert created.headers["etag"] == '"1"'
    told = created.json()
    assert (told["id"], told["outcome"], told["revision"]) == ("sample/lab/life/1", "created", 1)
    assert told["position"] is not None

    read = public.get("sample/lab/life/1")
    assert read.status_code == 200
    assert read.json()["body"] == BODY
    assert read.headers["etag"].startswith('"1.')

    again = administrator.post("records", json=submission("life/1"))
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")

    revised = administrator.put("sample/lab/life/1", json={"body": {**BODY, "formula": "LiNiO2"}})
    assert (revised.status_code, revised.json()["outcome"], revised.json()["revision"]) == (200, "revised", 2)
    assert public.get("sample/lab/life/1").json()["body"]["formula"] == "LiNiO2"
    assert public.get("sample/lab/life/1", params={"revision": 1}).json()["body"]["formula"] == "LiCoO2"


def test_a_record_without_a_local_id_gets_one(administrator: httpx.Client, public: httpx.Client) -> None:
    answer = administrator.post("records", json={"kind": "sample", "source": "lab", "body": BODY})
    assert answer.status_code == 201
    assert public.get(answer.json()["id"]).status_code == 200


def test_a_write_on_a_stale_revision_is_refused_and_one_on_the_newest_is_not(
    administrator: httpx.Client, made: str
) -> None:
    tag = administrator.get(made).headers["etag"]
    changed = {"body": {**BODY, "formula": "Li2O"}}
    assert administrator.put(made, json=changed, headers={"If-Match": tag}).status_code == 200
    stale = administrator.put(made, json={"body": BODY}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.json()["revision"] == 2
    assert administrator.post("records", json={**submission(made.split("/", 2)[2]), "revision": 1}).status_code == 409
    taken = administrator.put(made, json={"body": {"title": {"en": "x"}}}, headers={"If-None-Match": "*"})
    assert taken.status_code == 412
    assert "is there already, at revision 2" in taken.json()["detail"]
    assert administrator.get(made).json()["revision"] == 2


def test_a_withdrawn_record_says_why_and_comes_back_when_it_is_restored(
    administrator: httpx.Client, public: httpx.Client, made: str
) -> None:
    assert administrator.delete(made).status_code == 400
    gone = administrator.request("DELETE", made, params={"reason": "registered twice"})
    assert gone.status_code == 200
    told = public.get(made)
    assert told.status_code == 410
    assert told.json()["reason"] == "registered twice"
    assert told.json()["type"].endswith("/problems/gone")
    assert administrator.post(f"withdraw/{made}", json={"reason": "again"}).status_code == 409
    assert administrator.post(f"restore/{made}").status_code == 200
    assert public.get(made).status_code == 200


def test_each_status_shows_the_record_to_those_who_may_see_it(
    administrator: httpx.Client, public: httpx.Client, made: str
) -> None:
    def seen() -> tuple[int, bool]:
        listed = public.get("records", params={"kind": "sample", "id": made}).json()["items"]
        return public.get(made).status_code, bool(listed)

    assert seen() == (200, True)
    assert administrator.post(f"suppress/{made}").status_code == 200
    assert seen() == (200, False)
    assert administrator.post(f"hide/{made}").status_code == 200
    assert seen() == (404, False)
    assert administrator.get(made).json()["status"] == "private"
    assert administrator.post(f"publish/{made}").json()["position"] is not None
    assert administrator.post(f"publish/{made}").json()["position"] is None
    assert seen() == (200, True)
    assert administrator.post(f"scope/{made}", json={"scope": "lab/closed"}).status_code == 200
    assert seen() == (404, False)
    assert administrator.post(f"scope/{made}", json={"scope": "nowhere"}).status_code == 404


def test_a_merged_record_sends_on_to_the_other_until_it_is_unmerged(
    administrator: httpx.Client, public: httpx.Client, made: str
) -> None:
    other = administrator.post("records", json=submission("merged/into")).json()["id"]
    assert administrator.post(f"merge/{made}", json={"into": other}).status_code == 200
    sent = public.get(made)
    assert (sent.status_code, sent.headers["location"]) == (308, f"/{other}")
    assert administrator.post(f"unmerge/{made}").status_code == 200
    assert public.get(made).status_code == 200


def test_history_and_difference_tell_what_changed(administrator: httpx.Client, public: httpx.Client, made: str) -> None:
    administrator.put(made, json={"body": {"title": BODY["title"], "formula": "NiO"}})
    items = public.get(f"revisions/{made}").json()["items"]
    assert [item["revision"] for item in items] == [2, 1]
    assert all("by" not in item for item in items)
    changed = public.get(f"revisions/{made}", params={"between": "1,2"}).json()
    (step,) = changed["groups"][0]["changes"]
    assert (step["pointer"], step["was"], step["now"]) == ("/formula", "LiCoO2", "NiO")
    assert public.get(f"revisions/{made}", params={"between": "1,9"}).status_code == 404
    assert public.get(f"revisions/{made}", params={"between": "1"}).status_code == 400


def test_what_a_schema_refuses_is_told_with_pointers_in_the_language_asked_for(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    wrong = {"kind": "sample", "source": "lab", "localId": "wrong", "body": {"title": "no language", "colour": "red"}}
    told = {}
    for language in ("en", "ja"):
        answer = administrator.post("records", json=wrong, headers={"Accept-Language": language})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == language
        told[language] = answer.json()
        assert {finding["pointer"] for finding in told[language]["findings"]} >= {"/title"}
    assert told["en"]["title"] != told["ja"]["title"]
    assert told["en"]["findings"][0]["message"] != told["ja"]["findings"][0]["message"]
    assert public.get("sample/lab/wrong").status_code == 404


def test_a_dry_run_says_what_would_happen_and_stores_nothing(administrator: httpx.Client, public: httpx.Client) -> None:
    would = administrator.post("records", params={"dryRun": "true"}, json=submission("dry"))
    assert (would.status_code, would.json()["outcome"], would.json()["dryRun"]) == (200, "created", True)
    assert public.get("sample/lab/dry").status_code == 404


def test_tolerant_mode_keeps_what_breaks_its_kind_in_quarantine(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    broken = {"kind": "sample", "source": "lab", "localId": "quarantine/1", "body": {"colour": "red"}}
    answer = administrator.post("records", params={"mode": "tolerant"}, json=broken)
    assert answer.json()["outcome"] == "quarantined"
    assert answer.json()["findings"]
    listed = administrator.get(
        "records", params={"status": "quarantined", "select": "findings"}, headers={"Accept-Language": "ja"}
    )
    messages = [finding["message"] for item in listed.json()["items"] for finding in item["findings"]]
    assert any("フィールドはありません" in message for message in messages), "in one language, as everywhere"
    assert public.get("sample/lab/quarantine/1").status_code == 404
    page = administrator.get("sample/lab/quarantine/1", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "colour" in page.text
    assert administrator.get("sample/lab/quarantine/1", headers={"Accept": "text/turtle"}).status_code == 406


def test_a_draft_is_kept_whatever_it_breaks_and_is_published_only_when_it_is_sound(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    draft = {"kind": "sample", "source": "lab", "localId": "draft/1", "status": "draft", "body": {"colour": "red"}}
    assert administrator.post("records", json=draft).status_code == 201
    assert public.get("sample/lab/draft/1").status_code == 404
    assert administrator.post("publish/sample/lab/draft/1").status_code == 422
    assert administrator.put("sample/lab/draft/1", json={"status": "draft", "body": BODY}).status_code == 200
    assert administrator.post("publish/sample/lab/draft/1").status_code == 200
    assert public.get("sample/lab/draft/1").status_code == 200


def test_expunging_takes_two_requests_and_a_code_from_the_data_folder(
    administrator: httpx.Client, public: httpx.Client, served: Served, made: str
) -> None:
    asked = administrator.post(f"expunge/{made}", json={"reason": "personal data"})
    assert asked.status_code == 202
    request, file = asked.json()["request"], asked.json()["codeFile"]
    wrong = administrator.post(f"expunge/{made}", json={"request": request, "code": "guess"})
    assert wrong.status_code == 403
    assert public.get(made).status_code == 200
    path = served.data / file
    assert path.stat().st_mode & 0o077 == 0
    code = path.read_text("utf-8").strip()
    assert administrator.post(f"expunge/{made}", json={"request": request, "code": code}).status_code == 200
    assert public.get(made).status_code in (404, 410)
    assert "LiCoO2" not in administrator.get(f"revisions/{made}").text
    administrator.post("records", json=submission(made.split("/", 2)[2]))
    assert "LiCoO2" not in administrator.get(made, params={"revision": 1}).text


def test_links_are_told_with_titles_and_join_when_their_target_arrives(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    child = submission("link/child")
    child["body"] = {**BODY, "derivedFrom": [{"to": "sample/lab/link/parent"}]}
    administrator.post("records", json=child)
    assert public.get("links/sample/lab/link/child").json()["items"] == []
    assert "parent" not in public.get("sample/lab/link/child").text
    administrator.post("records", json=submission("link/parent"))
    (link,) = public.get("links/sample/lab/link/child").json()["items"]
    assert (link["to"], link["title"]) == ("sample/lab/link/parent", BODY["title"])
    (incoming,) = public.get("links/sample/lab/link/parent").json()["incoming"]
    assert (incoming["kind"], incoming["field"], incoming["count"]) == ("sample", "derivedFrom", 1)
    listed = public.get(incoming["records"]).json()["items"]
    assert [item["id"] for item in listed] == ["sample/lab/link/child"]


def test_an_identifier_leads_to_the_record_that_bears_it(administrator: httpx.Client, public: httpx.Client) -> None:
    named = submission("identified")
    named["body"] = {**BODY, "identifiers": [{"scheme": "doi", "value": "10.1234/a(b)/c"}]}
    assert administrator.post("records", json=named).status_code == 201
    sent = public.get("identifiers/doi/10.1234/a%28b%29/c")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sample/lab/identified")
    assert public.get("identifiers/doi/10.1234/none").status_code == 404


def test_lists_page_through_every_record_once(administrator: httpx.Client, public: httpx.Client) -> None:
    for number in range(7):
        administrator.post("records", json=submission(f"page/{number}"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        told = public.get(
            "records",
            params={"kind": "sample", "localId.prefix": "page/", "limit": 3, **({"cursor": cursor} if cursor else {})},
        ).json()
        seen += [item["id"] for item in told["items"]]
        cursor = told["next"]
    assert seen == [f"sample/lab/page/{number}" for number in range(7)]
