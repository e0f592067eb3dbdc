"""Plans and verdicts: the stored dispatch, its check by physics, its key figures."""
