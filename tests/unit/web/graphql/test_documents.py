"""What no variable can say is not said by a document either."""

from __future__ import annotations

import pytest

from catalog.records.kinds import load_kinds
from catalog.web.graphql.documents import Documents
from catalog.web.graphql.failures import Refused
from catalog.web.graphql.schema import schema_of

DOCUMENTS = Documents(schema_of(load_kinds()), {})


@pytest.mark.parametrize("nul", [r"\u0000", r"\u{0}", r"a\u{0000}b"])
@pytest.mark.parametrize(
    "document",
    [
        '{ nodes(ids: ["%s"]) { id } }',
        '{ people(after: "%s") { endCursor } }',
        '{ _entities(representations: [{__typename: "Sample", id: "%s"}]) { __typename } }',
        '{ ...Here } fragment Here on Query { sample(id: "x") { files(after: "%s") { totalCount } } }',
        'query($by: String = "%s") { audit(by: $by) { endCursor } }',
    ],
)
def test_a_text_that_no_database_keeps_is_refused_wherever_it_stands(document: str, nul: str) -> None:
    with pytest.raises(Refused, match="NUL"):
        DOCUMENTS.read(document % nul)
    assert DOCUMENTS.read(document % r"\u0001\u3042")
