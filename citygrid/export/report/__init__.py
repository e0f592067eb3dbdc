"""The offline page about plans: what was asked, what came out, and whether it holds."""

from citygrid.export.report.entries import Entry
from citygrid.export.report.page import write_report

__all__ = ["Entry", "write_report"]
