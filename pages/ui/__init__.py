"""Style and text helpers that the pages share."""
