"""Measurements: each module prints lines of `name value unit` and nothing else on standard output."""
