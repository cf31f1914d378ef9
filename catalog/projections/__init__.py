"""What can be built again from the ledger: the graph and the search index."""
