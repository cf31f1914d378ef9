"""What keeps a running catalogue whole."""
