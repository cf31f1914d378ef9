"""What an issuer's word gives and when it ends, on SQLite and on PostgreSQL alike: people, groups, visas, programs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from sqlalchemy import func, insert, select

from catalog.access.audit import Audit
from catalog.access.fetching import Fetched, fetch
from catalog.access.grants import Grants
from catalog.access.groups import Groups
from catalog.access.issuers import Issuers
from catalog.access.moments import later
from catalog.access.oidc import Arrived, SignIn
from catalog.access.people import People
from catalog.access.readers import Readers
from catalog.access.scopes import Scopes
from catalog.access.seal import Seal
from catalog.access.sessions import Session, Sessions
from catalog.access.signed import Keyring
from catalog.access.workloads import Workloads
from catalog.errors import Conflict, Forbidden, Invalid, Misconfigured, NotFound
from catalog.questions.browser import Browser
from catalog.questions.reader import ADMINISTRATOR, Grant, Reader
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import audit as lines
from catalog.store.tables import change, identity, once, person, source
from catalog.store.tables import issuer as issuers
from catalog.store.tables import session as sessions
from tests.contract.ledgers import migrated
from tests.service.issuers.forger import Forger, forging, new_key, signed

BASE = "https://catalogue.example.org/"
BROWSER = Browser("192.0.2.1", "a browser")
DATASET = "https://ega-archive.org/datasets/EGAD00000000432"


class House:
    """A catalogue, with a clock of the test's own that begins now, and issuers that a test steers."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.moment = real_clock()
        self.audit = Audit(store, clock=self.now)
        self.readers = Readers(store, clock=self.now)
        self.scopes = Scopes(store, clock=self.now)
        self.grants = Grants(store, self.scopes, self.audit, clock=self.now)
        self.groups = Groups(store, self.audit, clock=self.now)
        self.sessions = Sessions(store, self.readers, self.audit, clock=self.now)
        self.people = People(store, self.sessions, self.audit, clock=self.now)
        self.seal = Seal(folder / "sealing-key")
        self.issuers = Issuers(store, self.audit, self.seal, clock=self.now)
        self.elapsed = 0.0
        self.keyring = Keyring(elapsed=self.ticks)
        self.workloads = Workloads(
            store, self.issuers, self.keyring, self.readers, self.audit, base=BASE, clock=self.now
        )
        self.sign_in = SignIn(
            store,
            self.issuers,
            self.keyring,
            self.people,
            self.sessions,
            self.audit,
            self.seal,
            base=BASE,
            clock=self.now,
        )

    def now(self) -> str:
        return self.moment

    def ticks(self) -> float:
        self.elapsed += 0.001
        return self.elapsed

    def pass_(self, **by: float) -> None:
        self.moment = later(self.moment, timedelta(**by))

    def add(self, id: str, forger: Forger, **said: Any) -> None:
        told = {"id": id, "address": forger.address, "clientId": "catalog", "clientSecret": "hush", **said}
        self.issuers.register(told, ADMINISTRATOR)

    def back(
        self, id: str, forger: Forger, *, adding_to: Session | None = None, **claims: Any
    ) -> tuple[str, dict[str, str]]:
        """What a browser comes back with from an honest sign-in: its cookie, and what the issuer said."""
        begun = self.sign_in.begin(id, "/", adding_to=adding_to)
        asked = {name: value for name, (value,) in parse_qs(urlsplit(begun.address).query).items()}
        code = forger.code_for(nonce=asked["nonce"], **claims)
        return begun.cookie, {"code": code, "state": asked["state"], "iss": forger.address}

    def come(self, id: str, forger: Forger, **claims: Any) -> tuple[Session, Reader]:
        """Somebody signs in; their session, and what they may."""
        cookie, said = self.back(id, forger, **claims)
        return self.there(self.sign_in.end(cookie, said, BROWSER, None))

    def there(self, arrived: Arrived) -> tuple[Session, Reader]:
        assert arrived.session is not None
        found = self.sessions.reader(arrived.session)
        assert found is not None
        return found

    def reader(self, of: Session) -> Reader:
        return self.readers.person(of.key, of.person)

    def told(self) -> list[tuple[str, str]]:
        """The verbs and scopes of notices to those concerned, in their order."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(change.c.verb, change.c.detail)
                .where(change.c.verb.in_(("grant", "revoke")))
                .order_by(change.c.position)
            ).fetchall()
        return [(verb, orjson.loads(detail)["scope"]) for verb, detail in rows]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'a'}"
    store = migrated(address)
    made = House(store, tmp_path)
    made.scopes.create("lab", ADMINISTRATOR, mode="limited")
    yield made
    store.close()


@pytest.fixture
def forger() -> Iterator[Forger]:
    with forging() as made:
        yield made


@pytest.fixture
def another() -> Iterator[Forger]:
    with forging() as made:
        yield made


# --- people


def test_of_many_who_are_let_in_at_one_moment_one_person_is_made(house: House, forger: Forger) -> None:
    house.add("one", forger)
    ready = [house.back("one", forger, sub="s-1") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        arrived = list(threads.map(lambda each: house.sign_in.end(*each, BROWSER, None), ready))
    people = {house.there(each)[0].person for each in arrived}
    assert len(people) == 1
    with house.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(person)) == 1
        assert connection.scalar(select(func.count()).select_from(identity)) == 1


def test_a_sign_in_that_is_ended_many_times_at_one_moment_is_ended_once(house: House, forger: Forger) -> None:
    house.add("one", forger)
    cookie, said = house.back("one", forger)

    def ended(_: int) -> bool:
        try:
            house.sign_in.end(cookie, said, BROWSER, None)
        except Forbidden:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ended, range(8))) == 1


def test_a_sign_in_ends_within_ten_minutes_and_once(house: House, forger: Forger) -> None:
    house.add("one", forger)
    lasting = int(time.time()) + 36_000
    cookie, said = house.back("one", forger, exp=lasting)
    house.pass_(minutes=10)
    with pytest.raises(Forbidden, match="is over"):
        house.sign_in.end(cookie, said, BROWSER, None)
    cookie, said = house.back("one", forger, exp=lasting)
    house.pass_(minutes=9)
    house.sign_in.end(cookie, said, BROWSER, None)
    # Also once what was used is forgotten, since the cookie is over before.
    for _ in range(4):
        with pytest.raises(Forbidden, match="is over"):
            house.sign_in.end(cookie, said, BROWSER, None)
        house.pass_(minutes=10)
    house.come("one", forger, exp=lasting)
    with house.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(once)) == 1


@pytest.mark.parametrize("how", ["ended", "for programs only"])
def test_nobody_comes_in_by_an_issuer_that_was_ended_while_it_was_asked(house: House, forger: Forger, how: str) -> None:
    house.add("one", forger)

    def ask(address: str, **told: Any) -> Fetched:
        answered = fetch(address, **told)
        if how == "ended":
            house.issuers.end("one", ADMINISTRATOR)
        else:
            house.issuers.change("one", {"purposes": ["workloads"]}, ADMINISTRATOR)
        return answered

    parts = (house.store, house.issuers, house.keyring, house.people, house.sessions, house.audit, house.seal)
    meddled = SignIn(*parts, base=BASE, clock=house.now, ask=ask)
    cookie, said = house.back("one", forger)
    with pytest.raises(NotFound):
        meddled.end(cookie, said, BROWSER, None)
    with house.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(identity)) == 0
        assert connection.scalar(select(func.count()).select_from(sessions)) == 0


def test_nothing_is_kept_of_what_anybody_begins(house: House, forger: Forger) -> None:
    house.add("one", forger)
    for _ in range(5):
        house.sign_in.begin("one", "/")
    with house.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(once)) == 0


def test_an_orcid_is_kept_when_it_comes_and_is_not_changed_by_another_issuer(house: House, forger: Forger) -> None:
    house.add("one", forger)
    session, _ = house.come("one", forger)
    assert house.people.find(session.person, ADMINISTRATOR).orcid is None
    house.come("one", forger, orcid="https://orcid.org/0000-0002-1825-0097")
    assert house.people.find(session.person, ADMINISTRATOR).orcid == "0000-0002-1825-0097"
    house.come("one", forger, orcid="0000-0001-5109-3700")
    assert house.people.find(session.person, ADMINISTRATOR).orcid == "0000-0002-1825-0097"


# --- groups


def test_groups_of_an_issuer_give_rights_and_are_renewed_at_each_sign_in(house: House, forger: Forger) -> None:
    house.add("one", forger)
    house.groups.create("staff", "Staff", ADMINISTRATOR)
    house.groups.claim("group:staff", "one", "/facility/staff", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:staff", ADMINISTRATOR)
    session, reader = house.come("one", forger, groups=["/facility/staff", "/facility/users"])
    assert reader.grants == (Grant("read", "lab"),)
    assert house.told()[-1] == ("grant", "lab")
    before = len(house.told())
    _, reader = house.come("one", forger, groups=["/facility/users"])
    assert reader.grants == ()
    # Who signed in before has it no more either.
    assert house.reader(session).grants == ()
    assert house.told()[before:] == [("revoke", "lab")]
    _, reader = house.come("one", forger, groups="/facility/staff")
    assert reader.grants == (Grant("read", "lab"),)


def test_a_group_of_one_issuer_is_none_of_anothers(house: House, forger: Forger, another: Forger) -> None:
    house.add("one", forger)
    house.add("two", another)
    house.groups.create("staff", "Staff", ADMINISTRATOR)
    house.groups.claim("group:staff", "one", "staff", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:staff", ADMINISTRATOR)
    assert house.come("two", another, groups=["staff"])[1].grants == ()
    assert house.come("one", forger, groups=["staff"])[1].grants == (Grant("read", "lab"),)


def test_somebodys_groups_are_those_of_all_their_identities_until_one_is_taken_away(
    house: House, forger: Forger, another: Forger
) -> None:
    house.add("one", forger)
    house.add("two", another)
    house.groups.create("staff", "Staff", ADMINISTRATOR)
    house.groups.claim("group:staff", "two", "staff", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:staff", ADMINISTRATOR)
    session, reader = house.come("one", forger)
    assert reader.grants == ()
    before = len(house.told())
    cookie, said = house.back("two", another, adding_to=session, groups=["staff"])
    house.sign_in.end(cookie, said, BROWSER, session)
    assert house.reader(session).grants == (Grant("read", "lab"),)
    house.sign_in.unlink(session, "two", "mallory-1")
    assert house.reader(session).grants == ()
    assert house.told()[before:] == [("grant", "lab"), ("revoke", "lab")]
    with pytest.raises(Conflict, match="last way in"):
        house.sign_in.unlink(session, "one", "mallory-1")


@pytest.mark.parametrize("how", ["end", "change"])
def test_what_an_issuer_gave_ends_with_it_at_once(house: House, forger: Forger, how: str) -> None:
    house.add("one", forger)
    house.groups.create("staff", "Staff", ADMINISTRATOR)
    house.groups.claim("group:staff", "one", "staff", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:staff", ADMINISTRATOR)
    session, reader = house.come("one", forger, groups=["staff"])
    assert reader.grants
    if how == "end":
        house.issuers.end("one", ADMINISTRATOR)
    else:
        house.issuers.change("one", {"purposes": ["visas"]}, ADMINISTRATOR)
    assert house.reader(session).grants == ()
    assert house.sessions.of(session.key) == ()
    assert house.told()[-1] == ("revoke", "lab")


def test_groups_of_a_former_claim_count_no_more_at_once(house: House, forger: Forger) -> None:
    house.add("one", forger)
    house.groups.create("staff", "Staff", ADMINISTRATOR)
    house.groups.claim("group:staff", "one", "staff", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:staff", ADMINISTRATOR)
    session, reader = house.come("one", forger, groups=["staff"], isMemberOf=["staff"])
    assert reader.grants
    house.issuers.change("one", {"groupsClaim": "groups", "title": {"en": "One"}}, ADMINISTRATOR)
    assert house.reader(session).grants
    before = len(house.told())
    house.issuers.change("one", {"groupsClaim": "isMemberOf"}, ADMINISTRATOR)
    assert house.reader(session).grants == ()
    assert house.told()[before:] == [("revoke", "lab")]
    # Nobody is signed out by it, and the next sign-in tells anew.
    _, reader = house.come("one", forger, isMemberOf=["staff"])
    assert reader.grants == (Grant("read", "lab"),)


def test_who_was_asked_for_under_a_former_claim_begins_again(house: House, forger: Forger) -> None:
    house.add("one", forger)
    cookie, said = house.back("one", forger, groups=["staff"])

    def ask(address: str, **more: Any) -> Fetched:
        answered = fetch(address, **more)
        house.issuers.change("one", {"groupsClaim": "isMemberOf"}, ADMINISTRATOR)
        return answered

    slow = SignIn(
        house.store,
        house.issuers,
        house.keyring,
        house.people,
        house.sessions,
        house.audit,
        house.seal,
        base=BASE,
        clock=house.now,
        ask=ask,
    )
    with pytest.raises(Forbidden, match="Begin again"):
        slow.end(cookie, said, BROWSER, None)
    with house.store.read() as connection:
        assert list(connection.execute(select(identity))) == []


# --- visas


def visa(by: Forger, value: str = DATASET, *, key: Any = None, header: Any = None, **claims: Any) -> str:
    """A visa of a committee, honest but for what is told."""
    now = int(time.time())
    granted = {"type": "ControlledAccessGrants", "value": value, "source": by.address, "by": "dac", "asserted": now}
    told = {"iss": by.address, "sub": "somebody", "iat": now, "exp": now + 3_600, "ga4gh_visa_v1": granted} | claims
    kept = {name: each for name, each in told.items() if each is not None}
    return signed(kept, key or by.key, **(header or {"kid": "first", "jku": f"{by.address}/jwks"}))


@pytest.fixture
def committee(house: House, forger: Forger, another: Forger) -> Forger:
    """An issuer of visas, beside one by which people sign in that hands over passports; and controlled data."""
    house.add("broker", forger, passports=True)
    document = {"id": "committee", "address": another.address, "purposes": ["visas"], "resources": [DATASET[:30]]}
    house.issuers.register(document, ADMINISTRATOR)
    house.scopes.create("lab/controlled", ADMINISTRATOR, mode="everyone", data_mode="approval", resource=DATASET)
    return another


def test_a_visa_is_a_grant_to_download_exactly_what_it_names_until_it_ends(
    house: House, forger: Forger, committee: Forger
) -> None:
    house.scopes.create("lab/other", ADMINISTRATOR, data_mode="approval", resource=DATASET + "0")
    session, reader = house.come("broker", forger, ga4gh_passport_v1=[visa(committee)])
    assert reader.grants == (Grant("download", "lab/controlled"),)
    assert house.told() == [("grant", "lab/controlled")]
    house.pass_(seconds=3_599)
    assert house.reader(session).grants
    house.pass_(seconds=2)
    assert house.reader(session).grants == ()


def test_visas_are_renewed_at_each_sign_in(house: House, forger: Forger, committee: Forger) -> None:
    session, _ = house.come("broker", forger, ga4gh_passport_v1=[visa(committee)])
    house.come("broker", forger, ga4gh_passport_v1=[])
    assert house.reader(session).grants == ()
    assert house.told() == [("grant", "lab/controlled"), ("revoke", "lab/controlled")]


@pytest.mark.parametrize("ends", ["committee", "broker", "passports"])
def test_a_visa_counts_no_more_when_who_gave_or_brought_it_does_not(
    house: House, forger: Forger, committee: Forger, ends: str
) -> None:
    session, reader = house.come("broker", forger, ga4gh_passport_v1=[visa(committee)])
    assert reader.grants
    if ends == "passports":
        house.issuers.change("broker", {"passports": False}, ADMINISTRATOR)
    else:
        house.issuers.end(ends, ADMINISTRATOR)
    assert house.reader(session).grants == ()
    assert house.told()[-1] == ("revoke", "lab/controlled")


def test_a_visa_counts_no_more_about_what_its_issuer_has_no_say_about_any_more(
    house: House, forger: Forger, committee: Forger
) -> None:
    house.scopes.create("lab/more", ADMINISTRATOR, data_mode="approval", resource=DATASET + "0")
    passport = [visa(committee), visa(committee, DATASET + "0")]
    session, reader = house.come("broker", forger, ga4gh_passport_v1=passport)
    assert len(reader.grants) == 2
    house.issuers.change("committee", {"resources": [DATASET + "0"]}, ADMINISTRATOR)
    assert house.reader(session).grants == (Grant("download", "lab/more"),)
    assert house.told()[-1] == ("revoke", "lab/controlled")
    house.issuers.change("committee", {"resources": []}, ADMINISTRATOR)
    assert house.reader(session).grants == (Grant("download", "lab/more"),)


def test_an_issuer_that_is_not_said_to_bring_passports_brings_none(
    house: House, forger: Forger, committee: Forger
) -> None:
    with forging() as plain:
        house.add("plain", plain)
        assert house.come("plain", plain, ga4gh_passport_v1=[visa(committee)])[1].grants == ()
    assert house.come("broker", forger, ga4gh_passport_v1=[visa(committee)])[1].grants


def test_a_visa_that_is_not_exactly_right_is_no_grant(house: House, forger: Forger, committee: Forger) -> None:
    now = int(time.time())
    granted = {"type": "ControlledAccessGrants", "value": DATASET, "source": "x", "by": "dac", "asserted": now}
    own = new_key("first")
    wrong: dict[str, Any] = {
        "of an unknown issuer": visa(committee, iss="https://elsewhere.example.org"),
        "of the broker, which is not for visas": visa(forger),
        "signed by another key": visa(committee, key=own),
        "signed by the broker in the committee's name": visa(committee, key=forger.key),
        "a key where it points": visa(committee, key=own, header={"kid": "x", "jku": f"{forger.address}/jwks"}),
        "over": visa(committee, exp=now - 3_600),
        "not yet": visa(committee, nbf=now + 3_600),
        "without an end": visa(committee, exp=None),
        "of another type": visa(committee, ga4gh_visa_v1=granted | {"type": "AcceptedTermsAndPolicies"}),
        "under conditions": visa(committee, ga4gh_visa_v1=granted | {"conditions": [[{"type": "AffiliationAndRole"}]]}),
        "of another spelling": visa(committee, DATASET.upper()),
        "with a slash": visa(committee, DATASET + "/"),
        "a prefix": visa(committee, DATASET[:-1]),
        "of a resource that is not its own": visa(committee, "https://elsewhere.example.org/d"),
        "of no resource": visa(committee, ""),
        "of a list": visa(committee, ga4gh_visa_v1=granted | {"value": [DATASET]}),
        "without a subject": visa(committee, sub=None),
        "without a grant": visa(committee, ga4gh_visa_v1=None),
        "no visa": "a.b.c",
        "a number": 7,
    }
    for how, each in wrong.items():
        assert house.come("broker", forger, ga4gh_passport_v1=[each])[1].grants == (), how
    house.elapsed += 120
    for passport in ("x", {"visa": visa(committee)}, None):
        forger.answers["/userinfo"] = {"sub": "mallory-1"}
        assert house.come("broker", forger, ga4gh_passport_v1=passport)[1].grants == ()
    mixed = house.come("broker", forger, ga4gh_passport_v1=[*wrong.values(), visa(committee)])
    assert mixed[1].grants == (Grant("download", "lab/controlled"),)


# --- programs


def robot(of: Forger, **more: Any) -> str:
    """A token of a workload, honest but for what is told."""
    claims = of.claims(**({"aud": BASE, "sub": "robot"} | more))
    return signed(claims, of.key, kid="first")


def test_a_workload_is_who_its_issuer_says_with_what_was_given_to_it(house: House, forger: Forger) -> None:
    house.issuers.register({"id": "one", "address": forger.address, "purposes": ["workloads"]}, ADMINISTRATOR)
    assert house.workloads.reader(robot(forger), "192.0.2.1") is None
    made = house.workloads.register("one", "robot", "Robot", ADMINISTRATOR, agent="agent/lab/robot")
    house.grants.grant("lab", ["write"], made.id, ADMINISTRATOR)
    reader = house.workloads.reader(robot(forger), "192.0.2.1")
    assert reader is not None
    assert (reader.id, reader.grants, reader.agent, reader.source) == (
        made.id,
        (Grant("write", "lab"),),
        "agent/lab/robot",
        None,
    )
    assert reader.administrator is False
    with pytest.raises(Conflict):
        house.workloads.register("one", "robot", "Robot", ADMINISTRATOR)
    house.workloads.end(made.id, ADMINISTRATOR)
    assert house.workloads.reader(robot(forger), "192.0.2.1") is None
    # Registered again it is somebody new, who holds nothing of what the former did.
    again = house.workloads.register("one", "robot", "Robot", ADMINISTRATOR)
    reader = house.workloads.reader(robot(forger), "192.0.2.1")
    assert again.id != made.id
    assert reader is not None
    assert reader.grants == ()


def test_a_workload_may_be_bound_to_a_source(house: House, forger: Forger) -> None:
    house.issuers.register({"id": "one", "address": forger.address, "purposes": ["workloads"]}, ADMINISTRATOR)
    with pytest.raises(NotFound, match="no source"):
        house.workloads.register("one", "robot", "Robot", ADMINISTRATOR, source_id="lab")
    with house.store.write() as connection:
        connection.execute(insert(source), {"id": "lab", "version": 1})
    house.workloads.register("one", "robot", "Robot", ADMINISTRATOR, source_id="lab")
    reader = house.workloads.reader(robot(forger), "192.0.2.1")
    assert reader is not None
    assert reader.source == "lab"


def test_a_workloads_token_that_is_not_exactly_right_is_nobodys(house: House, forger: Forger, another: Forger) -> None:
    house.issuers.register({"id": "one", "address": forger.address, "purposes": ["workloads"]}, ADMINISTRATOR)
    house.add("people", another)
    house.workloads.register("one", "robot", "Robot", ADMINISTRATOR)
    now = int(time.time())
    wrong = {
        "for another audience": robot(forger, aud="urn:elsewhere"),
        "for us, differently spelt": robot(forger, aud=BASE.rstrip("/")),
        "for nobody": robot(forger, aud=None),
        "for us and for others": robot(forger, aud=["urn:elsewhere", BASE]),
        "for us, twice": robot(forger, aud=[BASE, BASE]),
        "for us in a list in a list": robot(forger, aud=[[BASE]]),
        "for nobody in a list": robot(forger, aud=[]),
        "of somebody else": robot(forger, sub="another"),
        "of nobody": robot(forger, sub=None),
        "over": robot(forger, exp=now - 3_600),
        "without an end": robot(forger, exp=None),
        "for longer than a day": robot(forger, exp=now + 90_000),
        "issued for longer than a day": robot(forger, iat=now - 80_000, exp=now + 10_000),
        "not yet": robot(forger, nbf=now + 3_600),
        "of an issuer that is not registered": robot(forger, iss="https://elsewhere.example.org"),
        "of an issuer that is not for workloads": robot(another),
        "in the name of another": signed(forger.claims(aud=BASE, sub="robot"), another.key, kid="first"),
        "of an issuer that cannot be kept": robot(forger, iss="a\x00b"),
    }
    for how, token in wrong.items():
        assert house.workloads.reader(token, "192.0.2.1") is None, how
    assert house.workloads.reader(robot(forger, aud=[BASE]), "192.0.2.1") is not None
    house.issuers.change("one", {"audience": "urn:catalogue"}, ADMINISTRATOR)
    assert house.workloads.reader(robot(forger), "192.0.2.1") is None
    assert house.workloads.reader(robot(forger, aud="urn:catalogue"), "192.0.2.1") is not None
    house.issuers.end("one", ADMINISTRATOR)
    assert house.workloads.reader(robot(forger, aud="urn:catalogue"), "192.0.2.1") is None


def test_only_administrators_look_after_issuers_and_workloads(house: House, forger: Forger) -> None:
    house.add("one", forger)
    _, reader = house.come("one", forger)
    told = {"id": "two", "address": "https://two.example.org"}
    for each in (
        lambda: house.issuers.register(told, reader),
        lambda: house.issuers.change("one", {}, reader),
        lambda: house.issuers.end("one", reader),
        lambda: house.issuers.find("one", reader),
        lambda: house.issuers.list(reader),
        lambda: house.workloads.register("one", "s", "n", reader),
        lambda: house.workloads.list(reader),
        lambda: house.workloads.end("workload:x", reader),
    ):
        with pytest.raises(Forbidden):
            each()
    for odd in ("x\x00", "", "a/b", "no-such"):
        with pytest.raises(NotFound):
            house.issuers.find(odd, ADMINISTRATOR)
        with pytest.raises(NotFound):
            house.workloads.end(odd, ADMINISTRATOR)
        with pytest.raises(NotFound):
            house.sign_in.begin(odd, "/")
    house.issuers.change("one", {"purposes": ["sign-in", "workloads"]}, ADMINISTRATOR)
    for agent in ("x", "sample/lab/1", "agent/lab", "agent/lab/\x00"):
        with pytest.raises(Invalid):
            house.workloads.register("one", "s", "n", ADMINISTRATOR, agent=agent)


def test_issuers_without_a_discovery_document_have_their_keys_where_it_was_said(house: House, forger: Forger) -> None:
    forger.answers["/.well-known/openid-configuration"] = (404, {}, b"{}")
    told = {"id": "one", "address": forger.address, "purposes": ["workloads"], "keysAt": f"{forger.address}/own-keys"}
    house.issuers.register(told, ADMINISTRATOR)
    house.workloads.register("one", "robot", "Robot", ADMINISTRATOR)
    forger.answers["/own-keys"] = {"keys": [forger.key.as_dict(private=False)]}
    assert house.workloads.reader(robot(forger), "192.0.2.1") is not None
    assert forger.asked["/jwks"] == forger.asked["/.well-known/openid-configuration"] == 0


def test_a_secret_is_sealed_for_this_installation_and_may_be_told_again(
    house: House, forger: Forger, tmp_path: Path
) -> None:
    house.add("one", forger)
    with house.store.read() as connection:
        kept = str(list(connection.execute(select(issuers)))) + str(list(connection.execute(select(lines))))
    assert "hush" not in kept
    assert house.issuers.secret_of(house.issuers.of_id("one", "sign-in")) == "hush"
    elsewhere = Issuers(house.store, house.audit, Seal(tmp_path / "another-key"), clock=house.now)
    with pytest.raises(Misconfigured, match="catalog issuer set one"):
        elsewhere.secret_of(elsewhere.of_id("one", "sign-in"))
    elsewhere.change("one", {"clientSecret": "anew"}, ADMINISTRATOR)
    assert elsewhere.secret_of(elsewhere.of_id("one", "sign-in")) == "anew"
    # What is not said stays; a change of something else does not take the secret away.
    elsewhere.change("one", {"groupsClaim": "isMemberOf"}, ADMINISTRATOR)
    assert elsewhere.secret_of(elsewhere.of_id("one", "sign-in")) == "anew"
