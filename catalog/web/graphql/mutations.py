"""Every mutation there is, by its name."""

from __future__ import annotations

from strawberry.types.field import StrawberryField

from catalog.web.graphql.file_writes import file_writes
from catalog.web.graphql.inputs import Inputs
from catalog.web.graphql.operating_writes import operating_writes
from catalog.web.graphql.registry_writes import registry_writes
from catalog.web.graphql.revising import Revising
from catalog.web.graphql.sharing_writes import sharing_writes
from catalog.web.graphql.types import Types
from catalog.web.graphql.writes import Writes


def mutation_fields(types: Types) -> dict[str, StrawberryField]:
    """Every mutation, by its name."""
    inputs = Inputs(types.kinds)
    writes = Writes(types, inputs)
    fields = (
        *writes.fields(),
        *Revising(writes).fields(),
        *file_writes(types, inputs),
        *registry_writes(),
        *sharing_writes(),
        *operating_writes(writes),
    )
    return {field.python_name: field for field in fields}
