"""The Python client: a catalogue asked and written to over GraphQL, with types made from its schema."""

from catalog.client.client import Client, Outcome, Submitted

__all__ = ["Client", "Outcome", "Submitted"]
