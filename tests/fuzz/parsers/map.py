"""The map beside exported files, with an answer that is right."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.parsers import answers

SEEDS = [answers._map()]


def read(data: bytes, folder: Path) -> None:
    answers.read(answers.SEEDS[0], folder, data)
