"""pandapipes in: a heat network of its JSON file as a district."""

from citygrid.imports.pandapipes.mapping import draft_of_pandapipes

__all__ = ["draft_of_pandapipes"]
