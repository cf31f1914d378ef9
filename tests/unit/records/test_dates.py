"""Dates as sources write them, and the time that they cover."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Malformed
from catalog.records.dates import EARLIEST, LATEST, MISSING, Date, Impossible, is_date, understand_date, zone_named


def known(text: str, zone: str = "UTC") -> Date:
    found = understand_date(text, zone)
    assert isinstance(found, Date), found
    return found


@pytest.mark.parametrize(
    ("text", "from_", "until", "datatype"),
    [
        ("2019", "2018-12-31T15:00", "2019-12-31T15:00", "year"),
        ("2019-12", "2019-11-30T15:00", "2019-12-31T15:00", "month"),
        ("2020-02-29", "2020-02-28T15:00", "2020-02-29T15:00", "date"),
        ("2019-03-31T12:00:00", "2019-03-31T03:00", "2019-03-31T03:00:01", "dateTime"),
        ("2019-03-31T12:00:00+01:00", "2019-03-31T11:00", "2019-03-31T11:00:01", "dateTime"),
        ("2019-03-31T12:00:00.5Z", "2019-03-31T12:00:00.5", "2019-03-31T12:00:00.6", "dateTime"),
        ("2019-03-31T12:30Z", "2019-03-31T12:30", "2019-03-31T12:31", "edtf"),
        ("2019-03-31T12Z", "2019-03-31T12:00", "2019-03-31T13:00", "edtf"),
        ("2019-03-31T12:00:00+0900", "2019-03-31T03:00", "2019-03-31T03:00:01", "edtf"),
        ("2008/2010-03", "2007-12-31T15:00", "2010-03-31T15:00", "edtf"),
        ("2019-01-01/2019-01-01", "2018-12-31T15:00", "2019-01-01T15:00", "edtf"),
        ("2019/..", "2018-12-31T15:00", None, "edtf"),
        ("../2019-05", None, "2019-05-31T15:00", "edtf"),
        ("2019/", "2018-12-31T15:00", None, "edtf"),
    ],
)
def test_a_date_covers_a_half_open_time_in_utc_reckoned_in_the_sources_zone(
    text: str, from_: str, until: str | None, datatype: str
) -> None:
    def utc(told: str | None) -> str | None:
        return told and datetime.fromisoformat(told).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    assert known(text, "Asia/Tokyo") == Date(text, utc(from_), utc(until), None, datatype)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", sorted(MISSING))
def test_a_missing_value_term_is_a_value(word: str) -> None:
    assert known(word.title()) == Date(word.title(), None, None, word, "missing")


@pytest.mark.parametrize(
    "text",
    [
        "", "19", "2019-1-1", "2019-02-29", "2019-13", "2019-00", "2019-04-31", "2019-01-01T24:00:00Z", "2019-01-01T23:59:60Z",
        "2019-01-01T00:00:00+15:00", "2019-01-01T12:00:00+09:61", "２０１９", " 2019", "2019 ", "2019\n", "../..", "/", "2020/2019",
        "2019-05/2019-04", "a/b", "1/2/3", "01-Jan-2019", "2019/05/01", "yesterday", "2019~", "not Collected!", "0000-01", "12019",
    ],
)  # fmt: skip
def test_an_impossible_date_is_refused_in_two_languages(text: str) -> None:
    found = understand_date(text)

    assert isinstance(found, Impossible)
    assert found.reason
    assert found.reason_ja
    assert found.reason != found.reason_ja
    assert not is_date(text)


@given(st.dates())
def test_every_day_is_one_day_long_and_lies_in_its_month_and_year(day: date) -> None:
    whole, month, year = known(day.isoformat()), known(day.isoformat()[:7]), known(day.isoformat()[:4])

    assert whole.from_ == f"{day.isoformat()}T00:00:00.000000Z"
    if day < date.max:
        assert whole.until == f"{(day + timedelta(days=1)).isoformat()}T00:00:00.000000Z"
    for longer in (month, year):
        assert (longer.from_ or "") <= (whole.from_ or "") < (whole.until or "") <= (longer.until or "")


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_with_an_offset_is_the_same_whatever_the_zone(moment: datetime) -> None:
    text = moment.isoformat(timespec="microseconds")

    assert known(text, "Asia/Tokyo") == known(text, "America/New_York")


def test_a_day_in_summer_time_is_not_always_24_hours_long() -> None:
    longest = known("2019-10-27", "Europe/Berlin")

    assert (longest.from_, longest.until) == ("2019-10-26T22:00:00.000000Z", "2019-10-27T23:00:00.000000Z")


@pytest.mark.parametrize(
    "text", ["0000", "0001", "9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59", "0001-01-01T00:00:00"]
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_the_ends_of_time_are_not_overrun(text: str, zone: str) -> None:
    found = known(text, zone)

    assert EARLIEST <= (found.from_ or "") <= LATEST
    assert EARLIEST <= (found.until or "") <= LATEST


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Asia", "a\0b"])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        zone_named(name)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_it_is_not(text: str) -> None:
    assert understand_date(text).written == text
