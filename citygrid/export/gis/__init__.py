"""Plans on the map: one styled GeoPackage, and the formats of other tools."""
