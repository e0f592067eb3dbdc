"""Layouts: one central site, many small ones, and both, for the same demand."""

from __future__ import annotations

from citygrid.study.layouts.study import SHARES, Layout, Layouts, compare_layouts
from citygrid.study.layouts.telling import (
    print_layouts,
    refuse_unwritable_layouts,
    table_of,
    write_layouts,
)

__all__ = [
    "SHARES", "Layout", "Layouts", "compare_layouts", "print_layouts",
    "refuse_unwritable_layouts", "table_of", "write_layouts",
]  # fmt: skip
