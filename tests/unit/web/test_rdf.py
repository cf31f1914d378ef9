"""Linked forms for the outside, as JSON-LD whose references are whole."""

from __future__ import annotations

import orjson
import pyoxigraph

from catalog.records.kinds import load_kinds
from catalog.records.linked import link_up
from catalog.web.negotiation import JSON_LD, N_TRIPLES
from catalog.web.rdf import record_as

BASE = "https://catalogue.example/"
KINDS = load_kinds()


def test_texts_in_indonesian_icelandic_and_tongan_stay_as_they_are() -> None:
    languages = {"id": "padi", "is": "hrís", "to": "laise"}
    body = {"title": languages, "keywords": [{"term": "https://vocabulary.example/rice", "label": languages}]}
    document = link_up(KINDS["sample"], "sample/lab/s", body, {}).document
    told = orjson.loads(record_as(JSON_LD, KINDS, document, {}, None, BASE))
    assert told["title"] == told["keywords"][0]["called"] == languages
    whole = orjson.dumps({**told, "@context": KINDS.context})
    statements = set(pyoxigraph.parse(whole, format=pyoxigraph.RdfFormat.JSON_LD))
    plain = record_as(N_TRIPLES, KINDS, document, {}, None, BASE)
    assert statements == set(pyoxigraph.parse(plain, format=pyoxigraph.RdfFormat.N_TRIPLES))
    assert sum(isinstance(each.object, pyoxigraph.Literal) for each in statements) == len(languages)
