"""Musubi: a metadata catalogue that other catalogues can join."""
