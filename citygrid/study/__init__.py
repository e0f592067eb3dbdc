"""Studies: one district asked a thousand times, each time a little changed."""
