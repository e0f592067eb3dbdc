"""Many questions to one district: fronts, alternatives, scenarios, longer horizons."""
