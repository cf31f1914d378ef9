"""Search through the real server: what is found, by whom, in which form, and what hostile or mistaken searches get."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.test_pages import HTML, read

SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'
SAMPLES: list[dict[str, Any]] = [
    {"localId": "find/cathode", "body": {"title": {"en": "Zirconolite cathode sheet", "ja": "ジルコノライトの正極シート"}, "sampleType": "solid", "amount": {"value": 2, "unit": "mg"}, "collectedAt": "2025-03-04", "identifiers": [{"scheme": "doi", "value": "10.5072/find-1"}]}},
    {"localId": "find/powder", "body": {"title": {"en": "Zirconolite powder"}, "sampleType": "powder", "amount": {"value": 6, "unit": "mg"}, "collectedAt": "2025-05-04"}},
    {"localId": "find/melt", "body": {"title": {"ja": "ジルコノライトの融液"}, "description": {"en": "Zirconolite, molten"}, "sampleType": "powder", "amount": {"value": 0.00001, "unit": "kg"}, "collectedAt": "2026-05-04"}},
    {"localId": "find/closed", "scope": "lab/closed", "body": {"title": {"en": "Zirconolite of the closed room, kryptonite"}, "sampleType": "secret"}},
    {"localId": "find/evil", "body": {"title": {"en": f"Evilsample {SCRIPT}"}, "description": {"en": f"evilsample again: {SCRIPT} & more"}}},
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def position(administrator: httpx.Client) -> Iterator[str]:
    """The samples that are searched for, as long as they are; the position at which all of them were written."""
    for sample in SAMPLES:
        made = administrator.post("records", json={"kind": "sample", "source": "lab", **sample})
        assert made.status_code in (200, 201), made.text
        # The tests of this module may not run in one piece: what it withdrew at its end is here again, unchanged.
        if administrator.get(made.json()["id"]).status_code == 410:
            assert administrator.post(f"restore/{made.json()['id']}").status_code == 200
    # This one is the last of all that has happened.
    newest = {
        "kind": "sample",
        "source": "lab",
        "localId": f"newest/{uuid.uuid4()}",
        "body": {"title": {"en": "Newest"}},
    }
    last: str = administrator.post("records", json=newest).json()["position"]
    found = administrator.get("search", params={"q": "zirconolite", "waitFor": last, "waitSeconds": "30"})
    assert found.status_code == 200, found.text
    yield last
    # The other modules of the session count records of theirs.
    for sample in (*SAMPLES, {"localId": "find/passing"}):
        administrator.post(f"withdraw/sample/lab/{sample['localId']}", json={"reason": "A test ended."})


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["id"].removeprefix("sample/lab/find/") for hit in answer.json()["hits"]]


def find(client: httpx.Client, **params: Any) -> httpx.Response:
    return client.get("search", params=params)


# --- what is found


def test_a_hit_tells_the_record_its_title_and_where_it_matched(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    told = find(public, q="zirconolite cathode").json()
    assert (told["total"], told["totalIsExact"], told["next"]) == (1, True, None)
    (hit,) = told["hits"]
    assert hit["id"] == "sample/lab/find/cathode"
    assert (hit["kind"], hit["source"], hit["scope"], hit["status"]) == ("sample", "lab", "lab", "public")
    assert hit["title"] == {"en": "Zirconolite cathode sheet", "ja": "ジルコノライトの正極シート"}
    # It depends on how rare a word is among all that is indexed, hidden or not.
    assert hit["score"] is None
    assert find(administrator, q="zirconolite cathode").json()["hits"][0]["score"] > 0
    assert "body" not in hit
    marked = {piece["text"].lower() for one in hit["highlights"] for piece in one["pieces"] if piece["marked"]}
    assert {"zirconolite", "cathode"} <= marked
    assert find(public, q="zirconolite cathode", highlight="false").json()["hits"][0]["highlights"] == []
    assert find(public, q="zirconolite cathode", select="body").json()["hits"][0]["body"]["sampleType"] == "solid"


def test_an_identifier_in_any_spelling_comes_first(public: httpx.Client) -> None:
    for written in (
        "10.5072/find-1",
        "doi:10.5072/FIND-1",
        "https://doi.org/10.5072/find-1",
        "sample/lab/find/cathode",
    ):
        assert ids(find(public, q=written))[0] == "cathode", written


def test_filters_are_those_of_lists(public: httpx.Client) -> None:
    for filters in (
        {"sampleType": "powder"},
        {"amount": "5..20 mg"},
        {"collectedAt": "2025-05", "source": "lab"},
        {"not.sampleType": "solid"},
    ):
        searched = set(ids(find(public, q="zirconolite", kind="sample", limit=100, **filters)))
        listed = {
            item["localId"].removeprefix("find/")
            for item in public.get("records", params={"kind": "sample", "limit": 1000, **filters}).json()["items"]
        }
        assert searched == listed & {"cathode", "powder", "melt"}, filters


def test_what_was_written_is_found_when_waited_for_and_withdrawn_is_gone_at_once(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    body = {
        "kind": "sample",
        "source": "lab",
        "localId": "find/passing",
        "body": {"title": {"en": "Praseodymiumsample"}},
    }
    written = administrator.post("records", json=body).json()
    assert ids(find(public, q="praseodymiumsample", waitFor=written["position"])) == ["passing"]
    gone = administrator.post("withdraw/sample/lab/find/passing", json={"reason": "A test."}).json()
    # Without waiting: what was hidden is found no more, whether the index knows of it yet or not.
    assert ids(find(public, q="praseodymiumsample")) == []
    administrator.post("restore/sample/lab/find/passing")
    assert gone["position"] is not None


def test_waiting_is_bounded(public: httpx.Client) -> None:
    late = find(public, q="x", waitFor=2**62, waitSeconds=1)
    assert late.status_code == 503
    assert int(late.headers["retry-after"]) >= 1
    for wrong in ({"waitFor": "soon"}, {"waitFor": "-1"}, {"waitFor": "1", "waitSeconds": "31"}):
        assert find(public, q="x", **wrong).status_code == 400, wrong


# --- facets, histograms, orders, pages


def test_facets_honour_every_filter_but_their_own_and_are_labelled(public: httpx.Client) -> None:
    told = find(public, q="zirconolite", kind="sample", sampleType="solid", facet="sampleType,kind,source").json()
    assert told["total"] == 1
    facets = {facet["field"]: facet for facet in told["facets"]}
    assert {one["value"]: (one["count"], one["chosen"]) for one in facets["sampleType"]["values"]} == {
        "powder": (2, False),
        "solid": (1, True),
    }
    assert [(one["value"], one["count"]) for one in facets["source"]["values"]] == [("lab", 1)]
    japanese = find(public, q="zirconolite", facet="kind", lang="ja").json()["facets"][0]
    assert (japanese["title"], japanese["values"][0]["label"]) != ("kind", "sample")
    english = find(public, q="zirconolite", facet="kind", lang="en").json()["facets"][0]
    assert japanese["values"][0]["label"] != english["values"][0]["label"]
    assert [one["value"] for one in japanese["values"]] == ["sample"]


def test_histograms_over_dates_and_quantities(public: httpx.Client) -> None:
    told = find(public, q="zirconolite", kind="sample", histogram="collectedAt:year").json()["histograms"]
    assert [(one["start"][:4], one["count"]) for one in told[0]["bins"] if one["count"]] == [("2025", 2), ("2026", 1)]
    told = find(public, q="zirconolite", kind="sample", histogram="amount:0..5..20 mg").json()["histograms"]
    assert told[0]["unit"] == "mg"
    assert [one["count"] for one in told[0]["bins"]] == [1, 2]


def test_orders_and_pages_tell_each_hit_once(public: httpx.Client) -> None:
    assert ids(find(public, q="zirconolite", kind="sample", sort="collectedAt")) == ["cathode", "powder", "melt"]
    assert ids(find(public, q="zirconolite", kind="sample", sort="-collectedAt")) == ["melt", "powder", "cathode"]
    for sort in ("relevance", "-collectedAt"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = find(
                public, q="zirconolite", kind="sample", sort=sort, limit=1, **({"cursor": cursor} if cursor else {})
            )
            seen += ids(page)
            cursor = page.json()["next"]
        assert sorted(seen) == ["cathode", "melt", "powder"], sort


def test_a_cursor_that_is_none_or_of_another_search_is_refused(public: httpx.Client) -> None:
    first = find(public, q="zirconolite", limit=1).json()["next"]
    for cursor in ("nonsense", first[:-2], first + "x", "x" * 20_000):
        assert find(public, q="zirconolite", limit=1, cursor=cursor).status_code in (400, 414, 422), cursor[:80]
    assert find(public, q="powder", limit=1, cursor=first).status_code == 422


# --- who may see


def test_what_is_hidden_is_found_by_nobody_who_may_not_read_it(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    for words in ("kryptonite", "sample/lab/find/closed", "closed room"):
        assert ids(find(administrator, q=words))[:1] == ["closed"], words
        hidden = find(public, q=words, facet="kind,source").json()
        assert "find/closed" not in str(hidden), words
    nothing = find(public, q="kryptonite", kind="sample", facet="sampleType", histogram="created:year").json()
    assert nothing["total"] == 0
    assert nothing["facets"][0]["values"] == []
    assert sum(one["count"] for one in nothing["histograms"][0]["bins"]) == 0
    assert "secret" not in str(find(public, kind="sample", facet="sampleType", facetValues=100).json()["facets"])
    assert "secret" in str(find(administrator, q="kryptonite", kind="sample", facet="sampleType").json()["facets"])
    assert public.get("search/suggestions", params={"q": "Zirconolite of"}).json()["items"] == []
    assert administrator.get("search/suggestions", params={"q": "Zirconolite of"}).json()["items"] != []


def test_answers_are_kept_as_lists_are(public: httpx.Client, administrator: httpx.Client) -> None:
    answer = find(public, q="zirconolite", facet="kind")
    assert answer.headers["cache-control"] == "public, no-cache"
    assert {"Accept", "Accept-Language", "Authorization"} <= {
        each.strip() for each in answer.headers["vary"].split(",")
    }
    again = public.get(
        "search", params={"q": "zirconolite", "facet": "kind"}, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert find(public, q="zirconolite", facet="kind", lang="ja").headers["etag"] != answer.headers["etag"]
    assert find(administrator, q="zirconolite").headers["cache-control"] == "private, no-cache"
    assert public.head("search", params={"q": "zirconolite"}).status_code == 200


# --- suggestions


def test_suggestions_go_on_from_what_was_typed(public: httpx.Client) -> None:
    told = public.get("search/suggestions", params={"q": "zirco"}).json()["items"]
    texts = [one["text"] for one in told]
    assert {"Zirconolite cathode sheet", "Zirconolite powder"} <= set(texts)
    assert all(one["what"] in ("title", "label", "identifier") for one in told)
    japanese = public.get("search/suggestions", params={"q": "ジルコ"}).json()["items"]
    assert "ジルコノライトの融液" in [one["text"] for one in japanese]
    assert len(public.get("search/suggestions", params={"q": "zirco", "limit": 1}).json()["items"]) == 1
    assert public.get("search/suggestions", params={"q": "zirco", "kind": "dataset"}).json()["items"] == []
    assert public.get("search/suggestions").status_code == 400
    assert public.get("search/suggestions", params={"q": "a", "kind": "smaple"}).status_code == 422


# --- mistakes and hostile searches


@pytest.mark.parametrize(
    ("params", "near"),
    [
        ({"kind": "smaple"}, "sample"),
        ({"kind": "sample", "tisue": "leaf"}, "tissue"),
        ({"kind": "sample", "facet": "sampelType"}, "sampleType"),
        ({"kind": "sample", "sort": "collectdAt"}, "collectedAt"),
        ({"kind": "sample", "histogram": "colectedAt:year"}, "collectedAt"),
        ({"kind": "sample", "collectedAt": "yesterday"}, "2026-05"),
        ({"kind": "sample", "amount": "5 parsnips"}, "parsnips"),
        ({"limit": "101"}, "100"),
        ({"limit": "0"}, "limit"),
        ({"facetValues": "1000"}, "100"),
        ({"highlight": "perhaps"}, "true"),
        ({"status": "draft"}, "status"),
        ({"histogram": "created:0 m"}, "histogram"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_would_be_right(public: httpx.Client, params: dict[str, str], near: str) -> None:
    english, japanese = find(public, **params), find(public, **params, lang="ja")
    assert (english.status_code, japanese.status_code) == (422, 422), english.text
    assert near in english.json()["detail"]
    assert english.json()["detail"] != japanese.json()["detail"]
    page = public.get("search", params=params, headers=HTML)
    assert page.status_code == 422
    assert near in page.text


HOSTILE = [
    '"', '""', '"unclosed phrase', 'a "b" c"', "((((", "))))", "a AND", "OR OR OR", "NOT", "-", "--", "- -a", "*", "**", "a**b", "?", "~", "a~2",
    "+a -b", "title:", "title:x", ":", "a:b:c", "[a TO b]", "{a TO *}", "a^5", "^", "\\", "\\\\\\", "/regex/", "/(a+)+$/", "a && b || !c",
    "'; DROP TABLE record; --", "%", "_", "%00", "\u0000", "\u202e evil", "\U0001f600 \U0001f9ea", "ﷺ" * 50, "e\u0301" * 200,
    "が" * 2000, "ｶﾞ" * 900, "a" * 2000, "a " * 1000, "* " * 500, "-a " * 600, '"a" ' * 400, "a*" * 600, " ", "\t\n", "<script>", "&amp;", "..", "../../etc",
    "1e999", "-0", "NaN", "\N{ZERO WIDTH JOINER}" * 100, "\N{BYTE ORDER MARK}x", "「」", "「閉じない", "ー" * 50, "・・・", "　　",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_text_gets_an_answer_or_a_clear_problem(public: httpx.Client, number: int) -> None:
    text = HOSTILE[number]
    for path in ("search", "search/suggestions"):
        answer = public.get(path, params={"q": text})
        assert answer.status_code in (200, 400, 422), (text[:40], answer.text[:400])
        if answer.status_code != 200:
            assert 10 < len(answer.json()["detail"]) < 500
    page = public.get("search", params={"q": text}, headers=HTML)
    assert page.status_code in (200, 400, 422)
    read(page)


def test_bytes_that_are_no_text_are_searched_for_as_none(public: httpx.Client) -> None:
    for written in ("%ED%A0%BD%ED%B8%80", "%FF%FE", "%C3", "%00"):
        assert public.get(f"search?q={written}").status_code in (200, 400, 422), written


def test_a_text_past_all_bounds_is_refused(public: httpx.Client) -> None:
    for text in ("a" * 60_000, "x " * 20_000, "あ" * 2_001):
        answer = find(public, q=text)
        assert answer.status_code == 422, answer.text
        assert "2,000" in answer.json()["detail"] or "2000" in answer.json()["detail"]


def test_a_megabyte_to_search_for_is_refused_and_costs_nobody_else(public: httpx.Client, served: Served) -> None:
    for text in (b"a" * 1_000_000, b"x+" * 500_000, b"%E3%81%82" * 110_000):
        with socket.create_connection(("127.0.0.1", httpx.URL(served.address).port), timeout=30) as line:
            answer = b""
            try:
                line.sendall(b"GET /search?q=" + text + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while part := line.recv(65536):
                    answer += part
            except ConnectionError:
                # The server may close such a connection before it has read it all.
                pass
            assert answer[:10] in (b"", b"HTTP/1.1 4"), answer[:300]
        assert find(public, q="zirconolite").status_code == 200


def test_facets_and_filters_by_the_thousand_are_refused(public: httpx.Client) -> None:
    for many in (
        [("facet", "kind")] * 1_000,
        [("facet", f"field{number}") for number in range(1_000)],
        [("facet", ",".join(["sampleType"] * 1_000)), ("facet", ",".join(f"f{number}" for number in range(1_000)))],
        [("histogram", "created:day")] * 100,
        [("histogram", "created:1000000 s")],
        [("sampleType", f"type{number}") for number in range(1_000)],
        [("sort", "created")] * 100,
    ):
        answer = public.get("search", params=[("kind", "sample"), *many])
        assert answer.status_code in (400, 422), (many[0], answer.text[:300])
    assert find(public, q="zirconolite").status_code == 200


# --- the page


def page_of(client: httpx.Client, language: str = "en", **params: Any) -> httpx.Response:
    return client.get("search", params=params, headers={**HTML, "Accept-Language": language})


def test_the_page_shows_hits_facets_and_filters_without_a_script(public: httpx.Client) -> None:
    answer = page_of(public, q="zirconolite", kind="sample", sampleType="powder")
    page = read(answer)
    assert answer.status_code == 200
    assert page.title.startswith("zirconolite")
    assert "<mark>Zirconolite</mark> powder" in answer.text
    assert "2 records" in answer.text
    # A filter in force is taken away by a link; another value of the facet is added by one.
    assert any("sampleType" not in link and "q=zirconolite" in link and "kind=sample" in link for link in page.links)
    assert any("sampleType=powder" in link and "sampleType=solid" in link for link in page.links)
    assert any("collectedAt=2025" in link for link in page.links)
    assert any("sort=-modified" in link for link in page.links)
    japanese = page_of(public, "ja", q="ジルコノライト")
    assert read(japanese).language == "ja"
    for word in ("検索", "件", "関連度順", "<mark>ジルコノライト</mark>"):
        assert word in japanese.text, word


def test_every_link_of_the_page_finds_as_many_as_it_says(public: httpx.Client) -> None:
    told = find(public, q="zirconolite", kind="sample", facet="sampleType").json()
    for value in told["facets"][0]["values"]:
        narrowed = find(public, q="zirconolite", kind="sample", sampleType=value["value"])
        assert narrowed.json()["total"] == value["count"]
    page = read(page_of(public, q="zirconolite", kind="sample"))
    links = {link for link in page.links if link.startswith("/search?")}
    assert len(links) > 6
    for link in links:
        assert public.get(link, headers=HTML).status_code == 200, link


def test_nothing_found_says_what_to_do(public: httpx.Client) -> None:
    english, japanese = (
        page_of(public, q="nosuchwordanywhere", kind="sample"),
        page_of(public, "ja", q="nosuchwordanywhere"),
    )
    assert "Nothing was found" in english.text
    assert "見つかりませんでした" in japanese.text


def test_a_records_markup_stays_text_on_the_page_and_in_json(public: httpx.Client) -> None:
    answer = page_of(public, q="evilsample")
    page = read(answer)
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text
    assert "<img src=x" not in answer.text
    assert "img" not in page.tags
    echoed = page_of(public, q=f'evilsample {SCRIPT} "><b>')
    assert "<script>alert" not in echoed.text
    assert "<b>" not in echoed.text
    for value in ('"><b>bold</b>', "javascript:alert(1)"):
        assert "<b>bold" not in page_of(public, q="x", source=value).text
    hit = find(public, q="evilsample").json()["hits"][0]
    assert SCRIPT in "".join(piece["text"] for piece in hit["highlights"][0]["pieces"]) or SCRIPT in hit["title"]["en"]


def test_the_box_is_on_every_page_and_the_script_is_ours(public: httpx.Client) -> None:
    for path in (
        "",
        "records",
        "kinds/sample",
        "sample/lab/find/powder",
        "search",
        "search?q=zirconolite",
        "sources",
        "api",
    ):
        answer = public.get(path, headers=HTML)
        assert answer.text.count('role="search"') == 1, path
        assert 'action="/search"' in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    script = public.get("static/suggestions.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    # What a browser without scripts sends: the empty fields too.
    assert page_of(public, q="zirconolite", kind="", source="").status_code == 200


def test_a_language_that_was_chosen_by_address_is_kept(public: httpx.Client) -> None:
    answer = public.get("search?" + urlencode({"q": "zirconolite", "kind": "sample", "lang": "ja"}), headers=HTML)
    page = read(answer)
    assert page.language == "ja"
    assert all("lang=ja" in link for link in page.links if link.startswith("/search?") and "lang=en" not in link)
    assert '<input type="hidden" name="lang" value="ja">' in answer.text
