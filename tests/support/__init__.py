"""Helpers that tests and measuring tools share."""
