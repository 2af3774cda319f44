"""Measurements, pictures and figures: ``python -m tools.NAME``."""
