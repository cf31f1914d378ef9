"""The records by their words, values and facets."""
