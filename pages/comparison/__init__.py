"""Comparison of AIF methods on one case and over a cohort."""
