"""The command line: parse, call, print. Heavy libraries are imported where they are used."""

from __future__ import annotations

from citygrid.cli.commands import main

__all__ = ["main"]
