"""Analyses on top of the maps: sensitivity, AIF uncertainty, fine-tuning."""
