"""A dataset's files: a resource of their own, set, added to, taken from, read by those who may download."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

ID = "dataset/lab/files/one"
NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(*files: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in files)


@pytest.fixture(scope="module", autouse=True)
def dataset(administrator: httpx.Client) -> None:
    for local_id, more in (("files/one", {}), ("files/closed", {"scope": "lab/closed"})):
        made = administrator.post(
            "records",
            json={"kind": "dataset", "source": "lab", "localId": local_id, "body": {"title": {"en": "Files"}}, **more},
        )
        assert made.status_code in (200, 201), made.text


def test_files_are_set_added_to_read_in_pages_and_taken_away(administrator: httpx.Client, public: httpx.Client) -> None:
    whole = [
        {"path": f"a/{number:02}.h5", "size": 10, "locations": [{"address": f"s3://b/{number}"}]} for number in range(5)
    ]
    put = administrator.put(f"files/{ID}", content=lines(*whole), headers=NDJSON)
    assert put.status_code == 200, put.text
    assert (put.json()["count"], put.json()["size"]) == (5, 50)
    seen: list[str] = []
    params: dict[str, str] = {"limit": "2"}
    while True:
        told = public.get(f"files/{ID}", params=params).json()
        seen += [each["path"] for each in told["items"]]
        if told["next"] is None:
            break
        params["cursor"] = told["next"]
    assert seen == [each["path"] for each in whole]
    added = administrator.patch(f"files/{ID}", json=[{"path": "b.txt", "size": 1}, {"path": "a/00.h5", "size": 20}])
    assert (added.json()["count"], added.json()["size"]) == (6, 61)
    taken = administrator.request("DELETE", f"files/{ID}", content=lines("b.txt", {"path": "nothing"}), headers=NDJSON)
    assert taken.json()["count"] == 5
    assert public.get(ID).json()["files"]["count"] == 5
    assert public.get(ID).json()["revision"] == 1
    page = public.get(f"files/{ID}", headers={"Accept": "text/html"})
    assert "a/00.h5" in page.text


def test_a_change_of_another_version_of_the_list_is_a_conflict(administrator: httpx.Client) -> None:
    tag = administrator.get(f"files/{ID}").headers["etag"]
    first = administrator.patch(f"files/{ID}", json=[{"path": "v"}], headers={"If-Match": tag})
    assert first.status_code == 200
    assert administrator.patch(f"files/{ID}", json=[{"path": "w"}], headers={"If-Match": tag}).status_code == 409


@pytest.mark.parametrize(
    "bad", [{}, {"path": ""}, {"path": 1}, {"path": "a", "size": -1}, {"path": "a", "colour": "red"}, "text", None]
)
def test_one_wrong_file_leaves_the_list_as_it_was(administrator: httpx.Client, bad: object) -> None:
    before = administrator.get(f"files/{ID}").json()
    answer = administrator.put(f"files/{ID}", content=lines({"path": "good"}, bad), headers=NDJSON)
    assert answer.status_code == 422, answer.text
    assert answer.json()["findings"][0]["pointer"].startswith("/files/1")
    assert administrator.get(f"files/{ID}").json() == before
    assert administrator.put(f"files/{ID}", content=b"{broken\n", headers=NDJSON).status_code == 400


def test_many_files_are_streamed_in(administrator: httpx.Client) -> None:
    def body() -> Iterator[bytes]:
        for start in range(0, 20_000, 1_000):
            yield lines(*({"path": f"many/{number:06}", "size": 1} for number in range(start, start + 1_000)))

    answer = administrator.put(f"files/{ID}", content=body(), headers=NDJSON)
    assert answer.json()["count"] == 20_000, answer.text


def test_files_of_what_is_hidden_are_not_found_and_those_under_embargo_not_open(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    assert public.get("files/dataset/lab/files/closed").status_code == 404
    administrator.put("scopes/lab/embargo", json={"mode": "everyone", "dataUntil": "2099"})
    record = {"kind": "dataset", "source": "lab", "localId": "files/embargo", "scope": "lab/embargo"}
    administrator.post("records", json={**record, "body": {"title": {"en": "Later"}}})
    administrator.put("files/dataset/lab/files/embargo", json=[{"path": "secret.h5"}])
    assert public.get("dataset/lab/files/embargo").status_code == 200
    refused = public.get("files/dataset/lab/files/embargo")
    assert refused.status_code == 401
    assert "secret" not in refused.text
    assert administrator.get("files/dataset/lab/files/embargo").json()["count"] == 1


def test_a_sample_has_no_files(administrator: httpx.Client) -> None:
    administrator.post(
        "records", json={"kind": "sample", "source": "lab", "localId": "files/sample", "body": {"title": {"en": "s"}}}
    )
    assert administrator.put("files/sample/lab/files/sample", json=[{"path": "a"}]).status_code == 422


def test_files_come_with_a_submission_and_a_wrong_one_refuses_it(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    record = {"kind": "dataset", "source": "lab", "localId": "files/with", "body": {"title": {"en": "With"}}}
    refused = administrator.post("records", json={**record, "files": [{"path": "a"}, {"size": 1}]})
    assert refused.status_code == 422, refused.text
    assert refused.json()["findings"][0]["pointer"] == "/files/1"
    assert public.get("dataset/lab/files/with").status_code == 404
    assert administrator.post("records", json={**record, "files": [{"path": "a", "size": 3}]}).status_code == 201
    assert public.get("files/dataset/lab/files/with").json()["items"] == [{"path": "a", "size": 3}]
