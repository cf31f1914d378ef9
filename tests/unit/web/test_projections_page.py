"""The page about the projections has words for whatever may be told of them."""

from __future__ import annotations

import re
from functools import partial
from typing import get_args

import pytest
from jinja2 import ChoiceLoader, DictLoader

from catalog.ledger.book import Booked, Lag, State, Why
from catalog.ledger.verifications import Verified
from catalog.upkeep.health import Health, ProjectionHealth
from catalog.upkeep.verify import SORTS
from catalog.web.negotiation import Language
from catalog.web.pages import environment, say_in

MOMENT = "2026-11-21T12:00:00.000000Z"


def booked(number: int, state: State, why: Why) -> Booked:
    return Booked("graph", number, state, why, "f", 7, 7, None, "v", MOMENT, MOMENT, MOMENT, None, None)


def shown(language: Language) -> str:
    """The page's own part, for an administrator, with generations and differences of every sort."""
    pairs = [(state, why) for state in get_args(State) for why in get_args(Why)]
    generations = tuple(booked(number, *pair) for number, pair in enumerate(pairs))
    differences = [{"id": f"sample/lab/{sort}", "sort": sort, "repaired": False} for sort in SORTS]
    report = {"records": 4, "repaired": 0, "drift": {"total": 4}, "differences": differences}
    stands = ProjectionHealth("graph", generations, Lag(0, 0.0), False, 0, 0, Verified(0, MOMENT, report, None, None))
    templates = environment()
    assert templates.loader is not None
    templates.loader = ChoiceLoader([DictLoader({"base.html": "{% block content %}{% endblock %}"}), templates.loader])
    return templates.get_template("projections.html").render(
        say=partial(say_in, language),
        health=Health({"graph": stands}, True, "1.a@here/x", MOMENT),
        whole=True,
        failures=[],
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_state_reason_and_difference_is_told_in_words(language: Language) -> None:
    page = shown(language)
    if language == "ja":
        told = set(re.findall(r"<td>([a-z]+)</td>", page))
        assert told.isdisjoint({*get_args(State), *get_args(Why), *SORTS})
    assert ("台帳にない" in page) == ("レコードの抹消のため" in page) == (language == "ja")
    assert ("not the ledger" in page) == ("a record was expunged" in page) == (language == "en")
