"""What may be asked of the catalogue, as values."""
