"""Catalog of cases, their summaries, previews and table."""
