"""The command line: parse, call, print. Heavy libraries are imported where they are used.

A file is named after what its commands do:

``commands``      `check`, `schema`, `plan`, `compare`, `verify`, `export`, `qubo`, `report`,
                  `synth`
``importing``     `import`; ``drafting`` what it makes of files of other tools
``studying``      `study`
``trading_off``   `front`, `alternatives`, `sensitivity`, `break-even`
``rolling``       `plan --window`
``aggregating``   `aggregate`
``outaging``      `outages`
``laying``        `compare-layouts`
``registering``   `runs`; ``rerunning`` is `runs rerun`
``benching``      `bench`
``examining``     `doctor`

What all share: ``frame`` (answers, errors, exit codes, options), ``recording`` (a run for every
command), ``progress``, ``profiling`` (`--profile`), ``outputs`` and ``outside`` (what is printed).
"""

from __future__ import annotations

from citygrid.cli.commands import main

__all__ = ["main"]
