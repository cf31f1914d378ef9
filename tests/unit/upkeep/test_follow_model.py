"""Whatever is done to a ledger, in whatever order and wherever feeding is cut off: the projections say what it says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.upkeep import follow, generations
from tests.contract.followed import Followed, followed
from tests.contract.ledgers import SCOPES

NAMES = [f"s{number}" for number in range(6)]
names = st.sampled_from(NAMES)
deeds = st.one_of(
    st.tuples(st.just("enter"), names, st.sampled_from(["one", "two", "three"]), st.sets(names, max_size=3)),
    st.tuples(st.just("status"), names, st.sampled_from(["publish", "suppress", "hide"])),
    st.tuples(st.just("withdraw"), names),
    st.tuples(st.just("restore"), names),
    st.tuples(st.just("move"), names, st.sampled_from(SCOPES)),
    st.tuples(st.just("merge"), names, names),
    st.tuples(st.just("unmerge"), names),
    st.tuples(st.just("expunge"), names),
    st.tuples(st.just("scope"), st.sampled_from(SCOPES), st.sampled_from(["everyone", "limited"])),
    st.tuples(st.just("rebuild"), st.sampled_from(["graph", "search"])),
    st.tuples(st.just("back"), st.sampled_from(["graph", "search"])),
    st.tuples(st.just("feed"), st.integers(1, 12)),
    st.tuples(st.just("crash")),
)


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(done=st.lists(deeds, min_size=8, max_size=40))
def test_what_was_done_in_any_order_is_what_the_projections_hold(
    done: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for small in ("BATCH", "SLICE", "LINKERS_AT_ONCE"):
        monkeypatch.setattr(follow, small, 3)
    monkeypatch.setattr(follow, "HUB", 1)
    monkeypatch.setattr(generations, "LOOK_SECONDS", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'c.db'}"
        with followed(address, Path(folder) / "projections") as here:
            act(here, done)
            here.catch_up()
            here.assert_true()


def act(here: Followed, done: list[tuple[Any, ...]]) -> None:
    follower = here.follower()
    for deed, *told in done:
        if deed == "feed":
            for _ in range(told[0]):
                follower.step()
        elif deed == "crash":
            # What was not settled is lost, as after a kill.
            follower.close()
            follower = here.follower()
        else:
            try:
                DEEDS[deed](here, *told)
            except CatalogError:
                # What the record's state forbids is no deed.
                continue
    follower.close()


def id_of(name: str) -> str:
    return f"sample/lab/{name}"


def enter(here: Followed, name: str, title: str, targets: set[str]) -> None:
    links = [id_of(each) for each in sorted(targets)]
    here.enter_many(name, body={"title": {"en": title}, **({"derivedFrom": links} if links else {})})


def expunge(here: Followed, name: str) -> None:
    asked = here.ledger.request_expunge(id_of(name), "a court order", by="one")
    here.ledger.expunge(asked.id, asked.code, by="another")


DEEDS: dict[str, Callable[..., Any]] = {
    "enter": enter,
    "status": lambda here, name, verb: here.ledger.change_status(id_of(name), verb, by="tester"),
    "withdraw": lambda here, name: here.ledger.withdraw(id_of(name), "spoilt", by="tester"),
    "restore": lambda here, name: here.ledger.restore(id_of(name), by="tester"),
    "move": lambda here, name, scope: here.ledger.move(id_of(name), scope, by="tester"),
    "merge": lambda here, name, into: here.ledger.merge(id_of(name), id_of(into), by="tester"),
    "unmerge": lambda here, name: here.ledger.unmerge(id_of(name), by="tester"),
    "expunge": expunge,
    "scope": lambda here, scope, mode: here.scope(scope, mode),
    "rebuild": lambda here, name: here.book.want(name),
    "back": lambda here, name: here.book.back(name, here.projections[name].fingerprint),
}
