"""Studies: many plans of one district, and what they say together."""
