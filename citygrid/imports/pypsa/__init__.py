"""PyPSA in: a network, from netCDF or a folder of CSV files, as a power district."""

from citygrid.imports.pypsa.mapping import draft_of_pypsa

__all__ = ["draft_of_pypsa"]
