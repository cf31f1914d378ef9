"""The linked records as RDF, which SPARQL asks."""
