"""Every method on every case of a cohort, judged against the known lesions."""
