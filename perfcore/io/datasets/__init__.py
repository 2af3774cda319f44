"""Layouts of public data sets: ISLES 2018, ISLES 2024, folders of cases."""
