"""The database under it all."""
