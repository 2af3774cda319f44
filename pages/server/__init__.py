"""Process-wide server code: configuration, caches, limits, error reporting."""
