"""The measure itself: what is missing is found to be lost, wherever a value may stand."""

from __future__ import annotations

from catalog.records.record import Submission
from tests.conformance.real_records.carried import lost

BODY = {
    "title": {"en": "A sample,  in two  parts"},
    "organism": {"taxId": 9606},
    "projects": ["project/insdc/PRJDB1640"],
    "contributors": [{"to": "agent/insdc/Example%20University", "role": "owner"}],
    "attributes": [{"name": "depth", "quantity": {"value": 10, "unit": "m"}, "term": {"term": "biosample:depth"}}],
}
FILES = ({"path": "reads.fastq", "checksums": [{"algorithm": "md5", "value": "00ff"}]},)
CARRIED = ["A sample, in two parts", "9606", "PRJDB1640", "Example University", "10", 10.0, "m", "depth", "00ff", "S1"]


def test_what_stands_anywhere_in_a_submission_is_carried() -> None:
    assert lost(CARRIED, Submission("sample", "insdc", "S1", BODY, files=FILES)) == []


def test_what_stands_nowhere_is_lost() -> None:
    submission = Submission("sample", "insdc", "S1", BODY, files=FILES)
    assert lost(["9607", "PRJDB16", "University", "reads", "a sample, in two parts", 11], submission) == [
        11,
        "9607",
        "PRJDB16",
        "University",
        "a sample, in two parts",
        "reads",
    ]


def test_each_part_of_a_submission_is_needed() -> None:
    for name in BODY:
        less = {key: value for key, value in BODY.items() if key != name}
        assert lost(CARRIED, Submission("sample", "insdc", "S1", less, files=FILES)) != [], name
