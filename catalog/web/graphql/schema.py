"""The schema as it is served, made from the kinds."""

from __future__ import annotations

from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString

from catalog import __version__
from catalog.records.kinds import Kinds


def schema_of(kinds: Kinds) -> GraphQLSchema:
    """What can be asked of a catalogue of these kinds."""
    version = GraphQLField(
        GraphQLNonNull(GraphQLString), resolve=lambda *_: __version__, description="Of the software."
    )
    return GraphQLSchema(GraphQLObjectType("Query", {"version": version}))
