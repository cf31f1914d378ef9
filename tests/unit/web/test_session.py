"""Who asks, as a request carries it: cookies' names and marks, addresses behind proxies, forms, and where to go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Scope

from catalog.assembly import Catalog, open_catalog
from catalog.errors import Forbidden, Malformed
from catalog.questions.browser import Browser
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.settings import read_settings
from catalog.web.refusals import Forged, Unauthorized
from catalog.web.session import (
    LINK,
    SESSION,
    USES_KEPT,
    Bounds,
    Credential,
    Doorkeeper,
    Uses,
    joined,
    own_path,
    read_form,
    while_held,
)


def opened(folder: Path, **told: str) -> Catalog:
    return open_catalog(read_settings({}, data=folder / "data", **told))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = opened(tmp_path)
    yield made
    made.close()


def request(**headers: str) -> Scope:
    """A request with these headers, from 192.0.2.1."""
    told = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "headers": told, "client": ("192.0.2.1", 4711)}


@pytest.mark.parametrize(
    ("base", "name", "path", "secure"),
    [
        ("http://127.0.0.1:8000/", SESSION, "/", False),
        ("https://catalogue.example.org/", f"__Host-{SESSION}", "/", True),
        ("https://example.org/catalogue/", SESSION, "/catalogue/", True),
    ],
)
def test_a_cookie_is_marked_as_the_base_address_allows(
    tmp_path: Path, base: str, name: str, path: str, secure: bool
) -> None:
    catalog = opened(tmp_path, base=base)
    response = Response()
    Doorkeeper.of(catalog).set_cookie(response, SESSION, "value")
    catalog.close()
    first, *marks = (part.strip() for part in response.headers["set-cookie"].split(";"))
    assert first == f"{name}=value"
    assert {mark.lower() for mark in marks} == {f"path={path}", "httponly", "samesite=lax"} | (
        {"secure"} if secure else set()
    )


def test_with_tls_only_the_cookie_that_no_neighbour_can_set_is_looked_at(tmp_path: Path) -> None:
    catalog = opened(tmp_path, base="https://catalogue.example.org/")
    keeper = Doorkeeper.of(catalog)
    catalog.close()
    carried = keeper.carried(request(cookie=f"{SESSION}=planted; __Host-{SESSION}=ours; {LINK}=planted"))
    assert (carried.session, carried.link) == ("ours", None)


def test_pages_of_ours_are_known_by_their_origin(tmp_path: Path) -> None:
    secure, plain = "https://catalogue.example.org", "http://127.0.0.1:8000"
    for base, ours, others in (
        (secure, (secure, "https://inside:8443"), (f"{secure}:8443", "http://catalogue.example.org", "http://inside:8443", "null", "")),
        (plain, (plain, "https://inside:8443", "http://inside:8443"), ("http://127.0.0.1", "http://localhost:8000", "null")),
    ):  # fmt: skip
        folder = tmp_path / base.partition(":")[0]
        catalog = opened(folder, base=f"{base}/")
        keeper = Doorkeeper.of(catalog)
        catalog.close()
        for origin in ours:
            keeper.demand_own_page(request(origin=origin, host="inside:8443"))
        for origin in others:
            with pytest.raises(Forged):
                keeper.demand_own_page(request(origin=origin, host="inside:8443"))
        for site in ("cross-site", "same-site", "none"):
            with pytest.raises(Forged):
                keeper.demand_own_page(request(origin=ours[0], host="inside:8443", sec_fetch_site=site))
        with pytest.raises(Forged):
            keeper.demand_own_page(request(host="inside:8443"))


def test_whence_a_request_comes_is_believed_from_our_own_proxies_only(tmp_path: Path) -> None:
    told = {"x_forwarded_for": "6.6.6.6, 203.0.113.7, 198.51.100.1"}
    found = []
    for proxies in ("0", "1", "2", "4"):
        catalog = opened(tmp_path / proxies, proxies=proxies)
        keeper = Doorkeeper.of(catalog)
        catalog.close()
        found.append((keeper.address(request(**told)), keeper.address(request())))
    assert found == [
        ("192.0.2.1", "192.0.2.1"),
        ("198.51.100.1", "192.0.2.1"),
        ("203.0.113.7", "192.0.2.1"),
        # Somebody went around the proxies.
        ("192.0.2.1", "192.0.2.1"),
    ]


def test_a_bearer_is_one_who_is_known_or_nobody_at_all(catalog: Catalog) -> None:
    keeper = Doorkeeper.of(catalog)

    def asks(*authorization: str) -> Reader:
        headers = [(b"authorization", told.encode()) for told in authorization]
        return keeper.asker(keeper.carried({"headers": headers, "client": None}), writes=False).reader

    assert asks(f"Bearer {catalog.token}") is ADMINISTRATOR
    assert asks(f"bearer   {catalog.token} ") is ADMINISTRATOR
    assert asks() == PUBLIC
    refusals = set()
    for told in (
        ("Bearer",),
        ("Bearer ",),
        (f"Basic {catalog.token}",),
        (catalog.token,),
        (f"Bearer {catalog.token}x",),
        (f"Bearer {catalog.token[:-1]}",),
        ("Bearer mst_unknown",),
        ("Bearer mlk_unknown",),
        ("Bearer a.b.c",),
        # Which of two would count differs from reader to reader.
        (f"Bearer {catalog.token}", "Bearer x"),
        ("Bearer x", f"Bearer {catalog.token}"),
        (f"Bearer {catalog.token}", f"Bearer {catalog.token}"),
    ):
        with pytest.raises(Unauthorized) as refused:
            asks(*told)
        refusals.add(refused.value.message)
    assert len(refusals) == 1


def test_a_bearer_counts_before_a_cookie(catalog: Catalog) -> None:
    keeper = Doorkeeper.of(catalog)
    catalog.accounts.add(ADMINISTRATOR, login="ito", password="correct horse battery", name="Haruka Ito")
    value = catalog.accounts.sign_in("ito", "correct horse battery", Browser("192.0.2.1"))
    by_cookie = keeper.asker(keeper.carried(request(cookie=f"{SESSION}={value}")), writes=True)
    assert by_cookie.reader.person is not None
    assert by_cookie.session is not None
    both = request(cookie=f"{SESSION}={value}", authorization=f"Bearer {catalog.token}")
    asker = keeper.asker(keeper.carried(both), writes=True)
    assert asker.reader is ADMINISTRATOR
    assert asker.session is None
    with pytest.raises(Unauthorized):
        keeper.asker(keeper.carried(request(cookie=f"{SESSION}={value}", authorization="Bearer x")), writes=False)


LINKED = Reader("link:1", (Grant("read", "lab"),), holders=(1, 9), stored=True)
TOKEN = Reader("person:1", (Grant("read", "lab"),), holders=(1, 2, 7), stored=True)


def with_credentials(catalog: Catalog, *credentials: Credential) -> Doorkeeper:
    known = Doorkeeper.of(catalog)
    return Doorkeeper(known.token_digest, catalog, credentials, known.cookies)


def test_a_links_cookie_adds_what_it_lets_see_and_is_no_way_to_write(catalog: Catalog) -> None:
    keeper = with_credentials(
        catalog,
        Credential(lambda told: told == "mlk_1", lambda told, address: LINKED),
        Credential(lambda told: told == "mst_1", lambda told, address: TOKEN),
    )

    def asks(link: str, *, writes: bool) -> Reader:
        return keeper.asker(keeper.carried(request(cookie=f"{LINK}={link}")), writes=writes).reader

    assert asks("mlk_1", writes=False).id == "link:1"
    assert asks("mlk_1", writes=False).grants == LINKED.grants
    assert asks("mlk_1", writes=True) == PUBLIC
    # The cookie takes a link, and neither another's token nor what nobody knows.
    assert asks("mst_1", writes=False) == PUBLIC
    assert asks("mlk_2", writes=False) == PUBLIC


def test_somebody_with_a_link_stays_somebody() -> None:
    person = Reader("person:1", (Grant("write", "other"),), holders=(1, 2, 7), stored=True)
    both = joined(person, LINKED)
    assert both.id == "person:1"
    assert both.rights_in == {"other": {"write"}, "lab": {"read"}}
    assert (both.holders, both.stored) == ((1, 2, 7, 9), True)
    assert joined(ADMINISTRATOR, LINKED).administrator
    nobody = joined(PUBLIC, LINKED)
    assert (nobody.id, nobody.stored) == ("link:1", True)


def test_use_is_written_down_once_a_minute_for_each_address(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1_000.0
    monkeypatch.setattr("catalog.web.session.time.monotonic", lambda: moment)
    used: list[tuple[str, str]] = []
    keeper = with_credentials(
        catalog,
        Credential(lambda told: True, lambda told, address: TOKEN, lambda told, address: used.append((told, address))),
    )

    def asks(address: str) -> None:
        scope = {**request(authorization="Bearer mst_1"), "client": (address, 1)}
        asker = keeper.asker(keeper.carried(scope), writes=False)
        assert asker.reader is TOKEN
        if asker.note is not None:
            asker.note()

    for address in ("a", "a", "b", "a"):
        asks(address)
    assert used == [("mst_1", "a"), ("mst_1", "b")]
    moment += 60
    asks("a")
    assert used[2:] == [("mst_1", "a")]
    uses = Uses()
    for number in range(USES_KEPT + 10):
        assert uses.is_news(b"digest", str(number))
    assert len(uses._last) == USES_KEPT


def test_what_may_be_done_so_often_in_a_minute_may_be_done_again_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 600.0
    monkeypatch.setattr("catalog.web.session.time.monotonic", lambda: moment)
    bounds = Bounds(2)
    assert [bounds.allows(who) for who in "aababb"] == [True, True, True, False, True, False]
    moment += 60
    assert bounds.allows("a")


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=2", b"a=1&%61=2", b"a", b"a=%ff", "a=長".encode(), b"&".join(b"a%d=1" % n for n in range(300))],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_form(body)


def test_a_form_is_read_as_browsers_write_it() -> None:
    assert read_form(b"") == {}
    # No divider any more (WHATWG URL, 5.1): one field.
    assert read_form(b"a=1;b=2") == {"a": "1;b=2"}
    assert read_form(b"name=%E4%BC%8A%E8%97%A4+%26&empty=&csrf=a_-b") == {"name": "伊藤 &", "empty": "", "csrf": "a_-b"}


@given(st.text(alphabet="/\\%2fF5cC.:@?#\t\n\x00ae", max_size=12), st.sampled_from(["/", "/catalogue/"]))
def test_where_to_go_on_is_a_path_below_the_root(told: str, root: str) -> None:
    for wanted in (told, root + told, root + "/" + told):
        path = own_path(wanted, root)
        assert path.startswith(root)
        assert not path.startswith(("//", "/\\"))
        assert path.isprintable()
        assert path.isascii()
        # Where it is followed to is this host, as a browser reads it, which takes \ for / in a path.
        before = path.partition("?")[0].partition("#")[0]
        assert "\\" not in path
        assert "//" not in before
        assert "/../" not in before + "/"


def test_a_path_of_ours_is_gone_on_to() -> None:
    for wanted in ("/", "/account", "/records?kind=sample&q=%0A%5C//x", "/sample/lab/a%20b#top", "/a%2Fb"):
        assert own_path(wanted, "/") == wanted
    assert own_path("/other/", "/catalogue/") == "/catalogue/"
    assert own_path(None, "/") == "/"


READS = Reader("person:1", (Grant("read", "lab"),), holders=(1, 2, 7), stored=True)


@pytest.mark.parametrize(
    "now",
    [
        PUBLIC,
        Reader("person:1", (), holders=(1, 2, 7), stored=True),
        Reader("person:1", (Grant("read", "lab/a"), Grant("write", "lab")), holders=(1, 2), stored=True),
        Reader("person:2", READS.grants, administrator=True),
    ],
)
def test_a_stream_ends_when_whoever_began_it_has_lost_what_they_held(now: Reader) -> None:
    askers = iter((READS, READS, now))
    told = while_held((b"one", b"two", b"three"), READS, lambda: next(askers))
    assert [next(iter(told)), next(iter(told))] == [b"one", b"two"]
    with pytest.raises(Forbidden):
        next(iter(told))


def test_a_stream_goes_on_when_more_was_given_and_ends_with_an_office() -> None:
    more = Reader("person:1", (Grant("download", "lab"), *READS.grants), holders=(1, 2, 7), stored=True)
    assert list(while_held((b"one", b"two"), READS, lambda: more)) == [b"one", b"two"]
    office = Reader("person:1", READS.grants, administrator=True)
    with pytest.raises(Forbidden):
        list(while_held((b"one",), office, lambda: READS))
