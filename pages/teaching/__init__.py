"""Lessons and the challenge."""
