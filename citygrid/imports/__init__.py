"""Networks from elsewhere as district files: streets and consumers on a map, tables of pipes."""
