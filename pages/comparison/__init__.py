"""Methods side by side: on one case, and over a cohort."""
