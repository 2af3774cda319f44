"""Networks that find the arterial input function."""
