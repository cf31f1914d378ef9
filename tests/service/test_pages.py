"""Pages: every one in both languages, without scripts but files of ours, with links that lead somewhere."""

from __future__ import annotations

from collections import deque
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.service.conftest import Served

HTML = {"Accept": "text/html"}
# What must be closed by a tag of its own.
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """What a page holds, as far as the tests ask; it fails on a tag that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.language: str | None = None
        self.title = ""
        self.attributes: set[str] = set()
        self.scripts: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(told)
        if tag == "html":
            self.language = told.get("lang")
        if tag in ("a", "link") and told.get("href"):
            self.links.append(str(told["href"]))
        if tag == "script":
            self.scripts.append(told)
        if "id" in told:
            self.ids.add(str(told["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data


def read(answer: httpx.Response) -> Page:
    page = Page()
    page.feed(answer.text)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module", autouse=True)
def records(administrator: httpx.Client) -> None:
    for submission in (
        {"kind": "agent", "source": "lab", "localId": "pages/ito", "body": {"title": {"en": "Haruka Ito", "ja": "伊藤 遥"}, "names": {"en": "Haruka Ito"}, "type": "person"}},
        {"kind": "sample", "source": "lab", "localId": "pages/parent", "body": {"title": {"ja": "親の試料"}}},
        {
            "kind": "sample",
            "source": "lab",
            "localId": "pages/full of things",
            "body": {
                "title": {"en": "A sample with much to say", "ja": "盛りだくさんの試料"},
                "description": {"en": "Line one\nline two"},
                "amount": {"value": 2.5, "uncertainty": 0.1, "unit": "mg"},
                "collectedAt": "not collected",
                "derivedFrom": [{"to": "sample/lab/pages/parent", "note": "cut"}, "https://example.org/outside"],
                "contributors": [{"to": "agent/lab/pages/ito", "role": "creator", "order": 1}],
                "identifiers": [{"scheme": "doi", "value": "10.1234/pages"}],
                "attributes": [{"name": "coating", "value": "Rh"}, {"name": "width", "quantity": {"min": 1, "max": 2, "unit": "mm"}}],
                "place": {"name": {"en": "Sayo"}, "lat": 34.9, "long": 134.4},
                "keywords": ["cathode"],
                "details": {"as": ["they", "wrote", "it"]},
            },
        },
    ):  # fmt: skip
        made = administrator.post("records", json=submission)
        assert made.status_code in (200, 201), made.text
    changed = {"body": {"title": {"ja": "親の試料"}, "formula": "LiCoO2"}}
    administrator.put("sample/lab/pages/parent", json=changed)


RECORD = "sample/lab/pages/full%20of%20things"


def test_a_record_is_laid_out_with_titles_of_the_readers_language(public: httpx.Client) -> None:
    english = public.get(RECORD, headers={**HTML, "Accept-Language": "en"})
    japanese = public.get(RECORD, headers={**HTML, "Accept-Language": "ja,en;q=0.5"})
    assert (read(english).language, read(japanese).language) == ("en", "ja")
    assert read(english).title.startswith("A sample with much to say")
    assert read(japanese).title.startswith("盛りだくさんの試料")
    for text in (
        "2.5 ± 0.1 mg",
        "2.5 × 10⁻⁶",
        "Haruka Ito",
        "creator",
        "10.1234/pages",
        "Derived from",
        "親の試料",
        "cut",
    ):
        assert text in english.text, text
    for text in ("伊藤 遥", "由来", "識別子"):
        assert text in japanese.text, text
    assert '<span lang="ja"' in english.text or 'lang="ja">親の試料' in english.text
    assert public.get(RECORD, params={"lang": "ja"}, headers=HTML).headers["content-language"] == "ja"


def test_pages_hold_no_scripts_but_files_of_ours_and_the_browser_is_told_so(public: httpx.Client) -> None:
    for path in ("", RECORD, "records?kind=sample", "kinds/sample", "api", "ns", "void", "sparql"):
        answer = public.get(path, headers=HTML)
        page = read(answer)
        assert not page.tags & {"style", "iframe", "object", "embed"}
        assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
        for script in page.scripts:
            if "src" in script:
                assert str(script["src"]).startswith("/static/")
                told = public.get(str(script["src"]))
                assert told.headers["content-type"] == "text/javascript; charset=utf-8"
            else:
                # Data, which no browser runs.
                assert script["type"] in ("application/ld+json", "application/json")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_link_of_every_page_leads_somewhere(public: httpx.Client, served: Served) -> None:
    waiting, seen, pages = deque(["/", "/?lang=ja", "/problems", "/scopes"]), set[str](), 0
    while waiting and pages < 120:
        path = waiting.popleft()
        if path in seen:
            continue
        seen.add(path)
        answer = public.get(path, headers=HTML, follow_redirects=True)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        pages += 1
        for link in read(answer).links:
            whole = urlsplit(urljoin(served.address + path.lstrip("/"), link))
            if whole.netloc == served.host and whole.path != "/export":
                target = whole.path + (f"?{whole.query}" if whole.query else "")
                # Every kind's page is made alike, so a few of each will do.
                if target not in seen and sum(other.split("/")[1:2] == target.split("/")[1:2] for other in seen) < 12:
                    waiting.append(target)
    assert pages > 20


def test_every_kind_is_documented_field_by_field(public: httpx.Client) -> None:
    for kind in public.get("kinds").json()["items"]:
        for language in ("en", "ja"):
            answer = public.get(f"kinds/{kind['name']}", headers={**HTML, "Accept-Language": language})
            page = read(answer)
            assert kind["title"][language] in answer.text
            assert {"title", "description", "identifiers/scheme"} <= page.ids
        schema = public.get(f"kinds/{kind['name']}/schema").json()
        assert schema["x-kind"] == kind["name"]
        assert "sh:" in public.get(f"kinds/{kind['name']}/shapes").text


def test_a_list_can_be_filtered_by_its_form_and_paged(public: httpx.Client) -> None:
    found = public.get(
        "records",
        params={"kind": "sample", "source": "", "title.prefix": "A sample with", "identifier": ""},
        headers=HTML,
    )
    assert "1 record" in found.text
    assert "1 records" not in found.text
    assert RECORD in found.text
    # A title is looked through in the language of the page.
    for language, title in (("en", "Haruka"), ("ja", "伊藤")):
        box = f"title.{language}.prefix"
        page = public.get("records", params={"kind": "agent", "lang": language, box: title}, headers=HTML)
        assert f'name="{box}" value="{title}"' in page.text
        assert "/agent/lab/pages/ito" in page.text
    # What the form has no field for stays when it is sent.
    kept = public.get("records", params={"scope": "lab", "lang": "ja"}, headers=HTML)
    assert '<input type="hidden" name="scope" value="lab">' in kept.text
    assert '<input type="hidden" name="lang" value="ja">' in kept.text
    paged = public.get("records", params={"limit": "1"}, headers=HTML)
    assert 'rel="next"' in paged.text


def test_history_and_difference_are_pages_too(public: httpx.Client) -> None:
    history = public.get("revisions/sample/lab/pages/parent", headers=HTML)
    assert "between=1%2C2" in history.text
    changed = public.get("revisions/sample/lab/pages/parent", params={"between": "1,2"}, headers=HTML)
    assert "<ins>LiCoO2</ins>" in changed.text
    former = public.get("sample/lab/pages/parent", params={"revision": "1"}, headers=HTML)
    assert "former revision" in former.text
    assert "LiCoO2" not in former.text


def test_a_problem_is_a_page_for_a_browser(public: httpx.Client) -> None:
    answer = public.get("sample/lab/nothing", headers={**HTML, "Accept-Language": "ja"})
    assert answer.status_code == 404
    assert read(answer).language == "ja"
    assert "見つかりません" in answer.text
    assert public.get("problems/not-found", headers=HTML).status_code == 200
    kinds = public.get("problems").json()["items"]
    assert {kind["status"] for kind in kinds} >= {400, 401, 403, 404, 406, 409, 410, 412, 413, 415, 422, 500, 503}
