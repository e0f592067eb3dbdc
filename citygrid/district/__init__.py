"""The YAML a city writes: strict reader, checked spec, JSON Schema, and the prepared case."""
