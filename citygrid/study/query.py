"""Questions to a study's results in SQL, by DuckDB: one table, ``study``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.study.table import read_results

#: What the results are called in a question.
TABLE = "study"


def ask(folder: Path, question: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a ``SELECT`` over the table ``study``.

    The question sees a copy in memory: it reads no file, writes none, and loads no extension.

    Raises :class:`InputError` without DuckDB, and for a question that is not one ``SELECT`` or that
    DuckDB does not understand.
    """
    try:
        import duckdb
    except ImportError:
        raise InputError(Fault("--query", "needs DuckDB, which is not installed", None,
                               "pip install 'citygrid[duckdb]'")) from None  # fmt: skip
    results = read_results(folder)
    connection = duckdb.connect(":memory:")
    try:
        connection.register("given", results)
        connection.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM given")
        connection.unregister("given")
        for name, value in (("enable_external_access", "false"),
                            ("python_enable_replacements", "false"),
                            ("autoload_known_extensions", "false"),
                            ("autoinstall_known_extensions", "false"),
                            ("lock_configuration", "true")):  # fmt: skip
            connection.execute(f"SET {name}={value}")
        statements = connection.extract_statements(question)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError(
                Fault(
                    "--query",
                    "is not one SELECT",
                    question,
                    f"ask like: select scenario, objective_eur from {TABLE}",
                )
            )
        answer = connection.execute(question)
        names = [column[0] for column in answer.description or []]
        return names, [tuple(row) for row in answer.fetchall()]
    except duckdb.Error as error:
        raise InputError(
            Fault(
                "--query",
                str(error).splitlines()[0][:300],
                question,
                f"columns are {', '.join(results.column_names[:12])}, …",
            )
        ) from error
    finally:
        connection.close()
