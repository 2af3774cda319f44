"""Evaluation of all AIF methods on a cohort against the known lesions."""
