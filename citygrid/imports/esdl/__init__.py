"""ESDL in: an energy system of the Energy System Description Language as a district."""

from citygrid.imports.esdl.mapping import draft_of_esdl

__all__ = ["draft_of_esdl"]
