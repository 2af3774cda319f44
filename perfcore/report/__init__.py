"""One-page report of one analysis, as HTML and as PDF: maps, figures, input function, quality and settings."""
