"""No prefix of the context may be left standing as if it were a scheme."""

from __future__ import annotations

import re
from pathlib import Path

from catalog.records.kinds import load_kinds
from catalog.records.linked import link_up
from catalog.records.parse import read_submission
from catalog.records.shipped import shipped
from catalog.records.triples import read_by_engine


def test_every_prefix_of_an_example_becomes_an_iri(examples: Path) -> None:
    # JSON-LD 1.1, 4.1.5: a term whose IRI ends in a letter or a hyphen is a prefix only if it says so.
    kinds = load_kinds(shipped())
    prefixes = {key for key, told in kinds.context.items() if not key.startswith("@") and key.islower()}
    documents = []
    for path in sorted((examples / "good").glob("*/*.json")):
        submission = read_submission(path.read_bytes())
        linked = link_up(kinds[submission.kind], "sample/x/1", dict(submission.body), {})
        documents.append(linked.document)
    text = "\n".join(str(read_by_engine(kinds, [document], "http://h.example/")) for document in documents)
    schemes = set(re.findall(r"<([a-z][a-z0-9+.-]*):", text))
    assert "http" in schemes
    assert not schemes & prefixes
