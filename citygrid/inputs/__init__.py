"""What a district is given: time axis, series, weather and sun, demand profiles, jobs."""
