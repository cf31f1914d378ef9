"""Musubi: a metadata catalogue that other catalogues can join."""

__version__ = "0.1.0"
