"""Cases that can be opened, their summaries, previews and table."""
