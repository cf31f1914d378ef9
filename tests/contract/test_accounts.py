"""Accounts, people and sessions on either database: what works once, what gets slower, and what ends by the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from catalog.access.accounts import FREE_BY_ADDRESS, FREE_BY_LOGIN, LONGEST_DELAY, Accounts, delay_after
from catalog.access.audit import Audit
from catalog.access.moments import later
from catalog.access.people import People
from catalog.access.readers import Readers
from catalog.access.sessions import IDLE, LONGEST, SEEN_EVERY, Sessions
from catalog.errors import CatalogError, Conflict, Forbidden, Invalid, NotFound, Throttled
from catalog.questions.browser import Browser
from catalog.questions.reader import ADMINISTRATOR, Reader
from catalog.store.engine import Store
from catalog.store.tables import audit as lines
from catalog.store.tables import guess, local_account, once, session
from tests.contract.ledgers import migrated

PASSWORD = "correct horse battery"
WRONG = "quite another battery"
# What the accounts keep is theirs to choose; that it is dear to make is not what is asked here.
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
STRONGER = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)


class Ticking:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = "2026-04-01T00:00:00.000000Z"

    def __call__(self) -> str:
        return self.now

    def pass_(self, **by: float) -> None:
        self.now = later(self.now, timedelta(**by))


class House:
    """A catalogue's people, with a clock of the test's own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Ticking()
        self.audit = Audit(store, clock=self.clock)
        self.sessions = Sessions(store, Readers(store, clock=self.clock), self.audit, clock=self.clock)
        self.people = People(store, self.sessions, self.audit, clock=self.clock)
        self.accounts = Accounts(store, self.people, self.sessions, self.audit, clock=self.clock, hasher=QUICK)

    def ito(self, login: str = "ito") -> str:
        """Somebody's id."""
        return self.accounts.add(ADMINISTRATOR, login=login, password=PASSWORD, name="Haruka Ito").id

    def tries(self, password: str, *, login: str = "ito", address: str = "192.0.2.1", **more: Any) -> str | None:
        return self.accounts.sign_in(login, password, Browser(address, **more))

    def delay(self, **told: str) -> int:
        """How long somebody would have to wait now."""
        try:
            self.tries(WRONG, **told)
        except Throttled as error:
            return error.retry_after_seconds
        return 0

    def stronger(self) -> Accounts:
        """The same accounts, when more is asked of hashes."""
        return Accounts(self.store, self.people, self.sessions, self.audit, clock=self.clock, hasher=STRONGER)

    def is_somebody(self, value: str) -> bool:
        return self.sessions.reader(value) is not None


def while_verifying(monkeypatch: pytest.MonkeyPatch, done: Callable[[], object]) -> None:
    """Let something be done while the next password is verified, after it was read and before anything is made of it."""
    verify = PasswordHasher.verify

    def interrupted(hasher: PasswordHasher, kept: str, password: str) -> bool:
        monkeypatch.setattr(PasswordHasher, "verify", verify)
        done()
        return bool(verify(hasher, kept, password))

    monkeypatch.setattr(PasswordHasher, "verify", interrupted)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'a'}"
    store = migrated(address)
    yield House(store)
    store.close()


def test_a_password_is_kept_as_argon2id_made_it_and_no_value_is_kept_at_all(house: House) -> None:
    id = house.ito()
    value = house.tries(PASSWORD)
    invited, reset = house.accounts.invite(ADMINISTRATOR), house.accounts.reset_link(id, ADMINISTRATOR)
    assert value is not None
    with house.store.read() as connection:
        kept = str([list(connection.execute(select(table))) for table in (local_account, session, once, lines, guess)])
    assert "$argon2id$" in kept
    for secret in (PASSWORD, value, invited.value, reset.value):
        assert secret not in kept


def test_whoever_knows_the_password_is_let_in_however_it_was_typed(house: House) -> None:
    house.accounts.add(ADMINISTRATOR, login="Ｓato", password="ﾊﾟｽﾜｰﾄﾞはとても長いです", name="Ken Sato")
    assert house.tries("パスワードはとても長いです", login="SATO") is not None
    assert house.tries("パスワードはとても長いです。", login="sato") is None
    assert house.tries("パスワードはとても長いです", login="satō") is None
    assert house.tries("\ud800 no text", login="sa\x00to") is None
    house.accounts.add(ADMINISTRATOR, login="long", password="x" * 1_024, name="Long")
    assert house.tries("x" * 1_024, login="long") is not None
    assert house.tries("x" * 1_025, login="long") is None


def test_a_password_is_hashed_anew_when_what_is_asked_of_hashes_has_grown(house: House) -> None:
    house.ito()
    stronger = house.stronger()
    assert stronger.sign_in("ito", PASSWORD, Browser("192.0.2.1")) is not None
    with house.store.read() as connection:
        kept = connection.scalar(select(local_account.c.password))
    assert kept is not None
    assert not STRONGER.check_needs_rehash(kept)
    assert stronger.sign_in("ito", PASSWORD, Browser("192.0.2.1")) is not None


def test_what_works_once_works_once_and_for_its_time(house: House) -> None:
    told = {"login": "sato", "password": PASSWORD, "name": "Ken Sato"}
    over = house.accounts.invite(ADMINISTRATOR, lasts=timedelta(days=2))
    house.clock.pass_(days=2)
    with pytest.raises(NotFound):
        house.accounts.accept(over.value, Browser("192.0.2.1"), **told)
    link = house.accounts.invite(ADMINISTRATOR, email="sato@example.org", administrator=True)
    house.clock.pass_(days=13)
    with pytest.raises(NotFound):
        # A link of another kind opens nothing.
        house.accounts.reset(link.value, Browser("192.0.2.1"), password=PASSWORD)
    value = house.accounts.accept(link.value, Browser("192.0.2.1"), **told)
    found = house.sessions.reader(value)
    assert found is not None
    assert found[1].administrator
    assert house.people.find(found[0].person, ADMINISTRATOR).email == "sato@example.org"
    with pytest.raises(NotFound):
        house.accounts.accept(link.value, Browser("192.0.2.1"), **{**told, "login": "other"})
    for days in (0, 91):
        with pytest.raises(Invalid):
            house.accounts.invite(ADMINISTRATOR, lasts=timedelta(days=days))


def test_of_many_who_take_an_invitation_at_once_one_gets_it(house: House) -> None:
    link = house.accounts.invite(ADMINISTRATOR)

    def take(number: int) -> bool:
        told = {"login": f"taker{number}", "password": PASSWORD, "name": "Taker"}
        try:
            house.accounts.accept(link.value, Browser("192.0.2.1"), **told)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(8))) == [False] * 7 + [True]
    assert len(house.people.list(ADMINISTRATOR)) == 1


def test_a_reset_ends_sessions_and_other_links_and_forgives_guesses(house: House) -> None:
    id = house.ito()
    before = house.tries(PASSWORD)
    assert before is not None
    for _ in range(FREE_BY_LOGIN):
        house.tries(WRONG)
    link, other = (house.accounts.reset_link(id, ADMINISTRATOR) for _ in range(2))
    with pytest.raises(Invalid):
        house.accounts.reset(link.value, Browser("192.0.2.1"), password="too short")
    value = house.accounts.reset(link.value, Browser("192.0.2.1"), password=WRONG)
    assert house.is_somebody(value)
    assert not house.is_somebody(before)
    with pytest.raises(NotFound):
        house.accounts.reset(link.value, Browser("192.0.2.1"), password=PASSWORD)
    with pytest.raises(NotFound):
        house.accounts.resetting(other.value)
    assert house.tries(WRONG) is not None


@pytest.mark.parametrize("rehashes", [False, True])
def test_a_sign_in_that_is_under_way_by_the_old_password_neither_outlives_a_reset_nor_undoes_it(
    house: House, monkeypatch: pytest.MonkeyPatch, rehashes: bool
) -> None:
    id = house.ito()
    link = house.accounts.reset_link(id, ADMINISTRATOR)
    while_verifying(
        monkeypatch, lambda: house.accounts.reset(link.value, Browser("198.51.100.1"), password="yet another battery")
    )
    thief = house.stronger() if rehashes else house.accounts

    assert thief.sign_in("ito", PASSWORD, Browser("192.0.2.1")) is None

    with house.store.read() as connection:
        (_,) = connection.execute(select(session.c.id)).fetchall()  # the one that the reset began
        told = connection.scalars(select(lines.c.act).order_by(lines.c.position.desc()).limit(1)).one()
    assert told == "sign-in-refused"
    assert house.tries(PASSWORD) is None
    assert house.tries("yet another battery") is not None


def test_of_two_sign_ins_at_once_that_hash_a_password_anew_both_are_let_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ito()
    others: list[str | None] = []
    stronger = house.stronger()
    while_verifying(monkeypatch, lambda: others.append(stronger.sign_in("ito", PASSWORD, Browser("192.0.2.2"))))

    assert stronger.sign_in("ito", PASSWORD, Browser("192.0.2.1")) is not None
    assert len(others) == 1
    assert others[0] is not None


def test_guesses_at_a_login_get_slower_and_slower_from_wherever_they_come(house: House) -> None:
    house.ito()
    for number in range(FREE_BY_LOGIN):
        assert house.tries(WRONG, address=f"192.0.2.{number}") is None
    waits = []
    for number in range(14):
        wait = house.delay(address=f"198.51.100.{number}")
        assert house.delay(address=f"198.51.100.{number}") == wait
        with pytest.raises(Throttled):
            house.tries(PASSWORD, address=f"203.0.113.{number}")
        waits.append(wait)
        house.clock.pass_(seconds=wait)
        assert house.tries(WRONG, address=f"198.51.100.{number}") is None
    assert waits[:4] == [3, 5, 9, 17]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY + 1
    # Another login is not concerned.
    house.ito("sato")
    assert house.tries(PASSWORD, login="sato", address="203.0.113.200") is not None
    # Whoever knows it is let in once the time is over, and begins anew.
    house.clock.pass_(seconds=LONGEST_DELAY + 1)
    assert house.tries(PASSWORD, address="203.0.113.201") is not None
    assert house.delay(address="203.0.113.202") == 0


def test_guesses_from_an_address_get_slower_whatever_they_are_at(house: House) -> None:
    house.ito()
    for number in range(FREE_BY_ADDRESS):
        # One right password among them frees nobody: whoever guesses may have an account.
        assert house.tries(PASSWORD) is not None
        assert house.tries(WRONG, login=f"somebody{number}") is None
    assert house.delay(login="another") > 0
    with pytest.raises(Throttled):
        house.tries(PASSWORD)
    assert house.tries(PASSWORD, address="192.0.2.2") is not None
    house.clock.pass_(days=1, seconds=1)
    assert house.delay(login="another") == 0


def test_a_network_of_version_6_is_one_address(house: House) -> None:
    for number in range(FREE_BY_ADDRESS):
        house.tries(WRONG, login=f"somebody{number}", address=f"2001:db8:0:1::{number:x}")
    assert house.delay(login="another", address="2001:db8:0:1:ffff::1") > 0
    assert house.delay(login="another", address="2001:db8:0:2::1") == 0


def test_guesses_at_the_same_moment_are_counted_like_others(house: House) -> None:
    house.ito()

    def guessed(number: int) -> bool:
        try:
            house.tries(f"{WRONG} {number}")
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guessed, range(24))) == FREE_BY_LOGIN


def test_a_login_that_does_not_exist_is_compared_with_a_hash_like_any_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = house.ito()
    compared: list[str] = []
    verify = PasswordHasher.verify

    def watched(hasher: PasswordHasher, kept: str, password: str) -> bool:
        compared.append(kept)
        return bool(verify(hasher, kept, password))

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    house.tries(WRONG)
    house.tries(WRONG, login="nobody")
    house.people.end(id, ADMINISTRATOR)
    house.tries(PASSWORD)
    assert len(compared) == 3
    # The same work: the parameters stand at the beginning of a hash.
    assert len({kept.rsplit("$", 2)[0] for kept in compared}) == 1
    assert compared[1] == compared[2] != compared[0]


def test_delays_double_up_to_a_quarter_of_an_hour() -> None:
    assert [delay_after(failures, 5) for failures in range(9)] == [0, 0, 0, 0, 0, 2, 4, 8, 16]
    assert delay_after(10**9, 5) == LONGEST_DELAY


def test_a_session_ends_when_it_is_idle_when_it_is_old_and_with_its_person(house: House) -> None:
    id = house.ito()
    idle, used, old = (house.tries(PASSWORD) for _ in range(3))
    assert idle is not None
    assert used is not None
    assert old is not None
    house.clock.pass_(hours=11)
    found = house.sessions.reader(used)
    assert found is not None
    assert house.sessions.is_long_unseen(found[0])
    house.sessions.seen(found[0])
    house.clock.pass_(hours=2)
    assert [house.is_somebody(value) for value in (idle, used, old)] == [False, True, False]
    until = later(house.clock.now, LONGEST)
    while house.clock.now < until:
        now = house.sessions.reader(used)
        if now is None:
            break
        house.sessions.seen(now[0])
        house.clock.pass_(hours=6)
    assert house.clock.now < until
    value = house.tries(PASSWORD)
    assert value is not None
    assert house.is_somebody(value)
    house.people.end(id, ADMINISTRATOR)
    assert not house.is_somebody(value)


def test_use_is_written_down_now_and_then_and_never_backwards(house: House) -> None:
    house.ito()
    value = house.tries(PASSWORD)
    assert value is not None
    found = house.sessions.reader(value)
    assert found is not None
    assert not house.sessions.is_long_unseen(found[0])
    house.clock.pass_(seconds=SEEN_EVERY.total_seconds())
    assert house.sessions.is_long_unseen(found[0])
    house.sessions.seen(found[0])
    seen = house.clock.now
    house.clock.pass_(seconds=-60)
    house.sessions.seen(found[0])
    again = house.sessions.reader(value)
    assert again is not None
    assert again[0].seen_at == seen


def test_signing_in_anew_ends_the_session_that_the_browser_had(house: House) -> None:
    house.ito()
    first = house.tries(PASSWORD)
    assert first is not None
    second = house.tries(PASSWORD, instead_of=first)
    assert second is not None
    assert second != first
    assert [house.is_somebody(value) for value in (first, second)] == [False, True]
    # A refused sign-in takes nothing away.
    assert house.tries(WRONG, instead_of=second) is None
    assert house.is_somebody(second)


def test_sessions_that_are_over_do_not_stay_in_the_table(house: House) -> None:
    house.ito()
    for _ in range(3):
        house.tries(PASSWORD)
    house.clock.pass_(seconds=IDLE.total_seconds())
    house.tries(PASSWORD)
    with house.store.read() as connection:
        assert len(connection.execute(select(session.c.id)).fetchall()) == 1


def test_a_password_is_changed_by_the_old_one_only(house: House) -> None:
    id = house.ito()
    browser = Browser("192.0.2.1")
    mine, other = house.tries(PASSWORD), house.tries(PASSWORD)
    assert mine is not None
    assert other is not None
    found = house.sessions.reader(mine)
    assert found is not None
    link = house.accounts.reset_link(id, ADMINISTRATOR)
    with pytest.raises(Forbidden):
        house.accounts.change(id, browser, old=WRONG, password="yet another battery", session=found[0].id)
    with pytest.raises(Invalid):
        house.accounts.change(id, browser, old=PASSWORD, password="short", session=found[0].id)
    house.accounts.change(id, browser, old=PASSWORD, password=WRONG, session=found[0].id)
    assert [house.is_somebody(value) for value in (mine, other)] == [True, False]
    with pytest.raises(NotFound):
        house.accounts.resetting(link.value)
    assert house.tries(PASSWORD) is None
    # Whoever sits before somebody's open browser can't guess there, either.
    for _ in range(FREE_BY_LOGIN - 1):
        with pytest.raises(Forbidden):
            house.accounts.change(id, browser, old=PASSWORD, password="yet another battery", session=found[0].id)
    with pytest.raises(Throttled):
        house.accounts.change(id, browser, old=WRONG, password="yet another battery", session=found[0].id)


def test_people_are_looked_after_by_administrators_and_seen_by_themselves(house: House) -> None:
    id, other = house.ito(), house.ito("sato")
    ito = Reader(id)
    assert house.people.find(id, ito).login == "ito"
    refusals: list[CatalogError] = []
    for wanted in (other, "person:00"):
        with pytest.raises(NotFound) as absent:
            house.people.find(wanted, ito)
        refusals.append(absent.value)
    assert [error.message.replace(other, "person:00") for error in refusals] == [refusals[1].message] * 2
    for refused in (
        lambda: house.people.list(ito),
        lambda: house.people.end(other, ito),
        lambda: house.people.set_administrator(id, True, ito),
        lambda: house.accounts.invite(ito),
        lambda: house.accounts.reset_link(id, ito),
        lambda: house.accounts.add(ito, login="new", password=PASSWORD, name="New"),
        lambda: house.people.named("sato", ito),
    ):
        with pytest.raises(Forbidden):
            refused()
    house.people.change(id, ito, name="伊藤 遥", email="ito@example.org", language="ja")
    assert house.people.named("ITO", ADMINISTRATOR).name == "伊藤 遥"
    # An address is whatever its person says, and names nobody to who makes administrators.
    with pytest.raises(NotFound):
        house.people.named("ito@example.org", ADMINISTRATOR)
    with pytest.raises(Conflict):
        house.ito("ITO")


@pytest.mark.parametrize("login", ["0000-0002-1825-0097", "0000-0002-1694-233X", "0000－0002-1825-0097"])
def test_a_login_is_nobodys_orcid(house: House, login: str) -> None:
    with pytest.raises(Invalid):
        house.ito(login)
    id = house.accounts.add(
        ADMINISTRATOR, login="ito", password=PASSWORD, name="Haruka Ito", orcid="0000-0002-1825-0097"
    ).id
    assert house.people.named("0000-0002-1825-0097", ADMINISTRATOR).id == id


@pytest.mark.parametrize("how", ["shut out", "no administrator any more"])
def test_links_of_an_administrator_end_with_their_office(house: House, how: str) -> None:
    boss, victim = house.ito("boss"), house.ito("victim")
    house.people.set_administrator(boss, True, ADMINISTRATOR)
    asking = Reader(boss, administrator=True)
    invited = house.accounts.invite(asking, administrator=True)
    reset = house.accounts.reset_link(victim, asking)
    kept = house.accounts.invite(ADMINISTRATOR)
    if how == "shut out":
        house.people.end(boss, ADMINISTRATOR)
    else:
        house.people.set_administrator(boss, False, ADMINISTRATOR)
    for opens in (house.accounts.invitation, house.accounts.resetting):
        with pytest.raises(NotFound):
            opens(invited.value if opens == house.accounts.invitation else reset.value)
    with pytest.raises(NotFound):
        house.accounts.accept(invited.value, Browser("192.0.2.1"), login="back", password=PASSWORD, name="Back")
    assert house.accounts.invitation(kept.value).administrator is False


@pytest.mark.parametrize("orcid", ["0000-0002-1825-0097", "https://orcid.org/0000-0002-1694-233X"])
def test_an_orcid_is_checked_by_its_last_character(house: House, orcid: str) -> None:
    made = house.accounts.add(ADMINISTRATOR, login="a1", password=PASSWORD, name="A", orcid=orcid)
    assert made.orcid == orcid[-19:]
    for wrong in (f"{orcid[:-1]}1", orcid[:-1], f"{orcid} x"):
        with pytest.raises(Invalid):
            house.accounts.add(ADMINISTRATOR, login="b1", password=PASSWORD, name="B", orcid=wrong)


def test_what_was_done_with_accounts_is_in_the_audit(house: House) -> None:
    id = house.ito()
    house.tries(WRONG)
    house.tries(PASSWORD)
    house.tries(WRONG, login="nobody")
    house.people.end(id, ADMINISTRATOR)
    with house.store.read() as connection:
        told = [
            (line.act, line.by, line.holder, line.address)
            for line in connection.execute(select(lines).order_by(lines.c.position))
        ]
    assert told == [
        ("person", "administrator", id, None),
        ("sign-in-refused", "public", id, "192.0.2.1"),
        ("sign-in", id, id, "192.0.2.1"),
        ("sign-in-refused", "public", None, "192.0.2.1"),
        ("session-ended", "administrator", id, None),
        ("person-ended", "administrator", id, None),
    ]


def test_a_refused_sign_in_tells_which_login_was_tried_and_never_what_may_be_a_password(house: House) -> None:
    id = house.ito()
    for login, password in (("ＩＴＯ ", WRONG), (PASSWORD, "ito"), ("nobody", WRONG)):
        assert house.tries(password, login=login) is None
    house.people.end(id, ADMINISTRATOR)
    assert house.tries(PASSWORD) is None
    with house.store.read() as connection:
        told = connection.execute(
            select(lines.c.holder, lines.c.detail).where(lines.c.act == "sign-in-refused").order_by(lines.c.position)
        ).fetchall()
        everything = str(list(connection.execute(select(lines))))
    # Also of somebody who has ended: an account that was shut out is tried again.
    assert [(each.holder, orjson.loads(each.detail)["login"]) for each in told] == [
        (id, "ito"),
        (None, None),
        (None, None),
        (id, "ito"),
    ]
    for typed in (PASSWORD, WRONG, "nobody"):
        assert typed not in everything
