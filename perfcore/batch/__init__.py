"""Maps of cases on disk: one from its path to its files, or many, spread over processes."""
