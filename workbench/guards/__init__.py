"""Detectors that work on anybody's data: measure the evidence, then judge it."""
