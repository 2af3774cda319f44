"""A digital phantom on real anatomy, with known truth."""
