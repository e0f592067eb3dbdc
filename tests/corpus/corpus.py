"""The corpus of inputs: what the table `CASES.yaml` says, and how a case is laid out and run.

A case is one hostile, broken or merely unusual file, kept beside the table as
``FAMILY/NAME`` or made by a function of ``makers.py``. It is laid into a folder of its own, beside
its host: the smallest file that reads it (``hosts/``), in which ``FILE`` stands for its name.
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.corpus import makers

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Case:
    """One row of the table.

    ``says`` are what must stand in one message, in this order: place, reason, repair; of a file
    that must be read, what the answer says. ``exit_code`` is what the command ends with.
    """

    family: str
    name: str
    wrong: str
    command: str
    host: str | None
    says: tuple[str, ...]
    exit_code: int

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"

    @property
    def must_work(self) -> bool:
        return self.exit_code == 0

    def lay(self, folder: Path) -> list[str]:
        """Put the case's files into a folder; gives the words of the command line."""
        folder.mkdir(parents=True)
        kept = FOLDER / self.family / self.name
        maker = makers.of(self.family, self.name)
        assert kept.exists() != (maker is not None), f"{self.id} must be a file or have a maker"
        if maker is not None:
            maker(folder / self.name)
        elif kept.is_dir():
            shutil.copytree(kept, folder / self.name)
        else:
            shutil.copy(kept, folder)
        words = {"FILE": self.name}
        if self.host is not None:
            host = FOLDER / "hosts" / self.host
            text = host.read_text(encoding="utf-8").replace("FILE", self.name)
            (folder / self.host).write_text(text, encoding="utf-8")
            words["HOST"] = self.host
        for each in (FOLDER / "hosts").glob("also*"):
            shutil.copy(each, folder)
        return [words.get(word, word.replace("FILE", self.name))
                for word in shlex.split(self.command)]  # fmt: skip


def cases() -> list[Case]:
    """All rows of the table, in its order."""
    table = yaml.safe_load((FOLDER / "CASES.yaml").read_text(encoding="utf-8"))
    found = []
    for family, part in table.items():
        for exit_key, rows in part["cases"].items():
            exit_code = {"refused": 2, "broken": 5, "read": 0}[exit_key]
            for name, row in rows.items():
                found.append(Case(
                    family, name, row["wrong"] if exit_code else row["what"],
                    row.get("command", part["command"]),
                    row.get("host", part.get("host")), tuple(row["says"]), exit_code,
                ))  # fmt: skip
    return found


def unlisted() -> list[str]:
    """Files and makers that no row names."""
    listed = {case.id for case in cases()}
    others = ("hosts", "__pycache__")
    files = {
        f"{family.name}/{each.name}"
        for family in FOLDER.iterdir() if family.is_dir() and family.name not in others
        for each in family.iterdir()
    }  # fmt: skip
    made = {f"{family}/{name}" for family, name in makers.MAKERS}
    return sorted((files | made) - listed)
