"""The command line: parse, call, print. Heavy libraries are imported where they are used.

A file is named after what its commands do:

``commands``      `citygrid` itself, `check`, `schema`, `qubo`, `synth`, `completion`
``planning``      `plan` and `compare`; ``rolling`` is `plan --window`
``rereading``     `verify`, `export`, `report`
``importing``     `import`; ``drafting`` what it makes of files of other tools
``studying``      `study`
``trading_off``   `front`, `alternatives`, `sensitivity`, `break-even`
``aggregating``   `aggregate`
``outaging``      `outages`
``laying``        `compare-layouts`
``registering``   `runs`; ``rerunning`` is `runs rerun`
``benching``      `bench`
``examining``     `doctor`

What all share: ``frame`` (answers, errors, exit codes), ``options`` (what several take),
``recording`` (a run for every command) with ``noting`` (what was asked of it), ``progress``,
``profiling`` (`--profile`), ``outputs`` and ``outside`` (what is printed).
"""

from __future__ import annotations

from citygrid.cli.commands import main

__all__ = ["main"]
