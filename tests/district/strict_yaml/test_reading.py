"""What is surely meant is read: values, the lines they stand on, and files."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from citygrid.district import strict_yaml
from citygrid.errors import Fault, InputError
from tests.district.strict_yaml.helpers import faults_of, value_of

DISTRICT = """\
# yaml-language-server: $schema=district.schema.json
name: Frankfurt west
crs: EPSG:25832
horizon: {start: 2023-01-16T00:00+01:00, length: 168 h, step: 1 h}
nodes:
  plant:  {at: [560100, 5568900.5]}
components:
  pump east:
    kind: heat_pump
    heat: 700 kW
    minimum_load: 35 %
    day: 2023-01-16
"""


def test_a_district_reads_as_it_is_written(grammar: type) -> None:
    assert value_of(DISTRICT) == {
        "name": "Frankfurt west",
        "crs": "EPSG:25832",
        "horizon": {"start": "2023-01-16T00:00+01:00", "length": "168 h", "step": "1 h"},
        "nodes": {"plant": {"at": [560100, 5568900.5]}},
        "components": {
            "pump east": {
                "kind": "heat_pump", "heat": "700 kW", "minimum_load": "35 %", "day": "2023-01-16",
            }
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("false", False),
        ("0", 0), ("-0", 0), ("12", 12), ("+12", 12), ("-3", -3), ("0.5", 0.5), ("+0.5", 0.5),
        ("1e3", 1000.0), ("1E+3", 1000.0), ("2.5e-3", 0.0025), ("0e999", 0.0),
        ("9007199254740993", 9007199254740993),
        ("'no'", "no"), ('"010"', "010"), ("'1:30'", "1:30"), ("'5'", "5"), ("''", ""),
        ('"\\u00e4\\t\\n"', "ä\t\n"), ("|\n  no\n", "no\n"), (">-\n  1:30\n", "1:30"),
        ("2023-01-16", "2023-01-16"), ("2023-01-16 00:00:00", "2023-01-16 00:00:00"),
        ("1.2.3", "1.2.3"), ("250 kW", "250 kW"), ("10:00 to 12:00", "10:00 to 12:00"),
        ("none", "none"), ("nano", "nano"), ("1e", "1e"), ("1,5", "1,5"),
        ("3号館", "3号館"), ("120 m²", "120 m²"), ("Straße 5", "Straße 5"),
        ("2020–2030", "2020–2030"),
    ],
)  # fmt: skip
def test_a_scalar_means_one_thing(grammar: type, written: str, meant: object) -> None:
    read = value_of(f"a: {written}\n")
    assert read == {"a": meant}
    assert type(read["a"]) is type(meant)


def test_byte_order_mark_and_line_ends_of_other_systems_change_nothing(grammar: type) -> None:
    plain = strict_yaml.parse(DISTRICT, "x.yaml")
    for text in (
        "\ufeff" + DISTRICT,
        DISTRICT.replace("\n", "\r\n"),
        DISTRICT.replace("\n", "\r"),
        "---\n" + DISTRICT + "...\n",
    ):
        tree = strict_yaml.parse(text, "x.yaml")
        assert tree.value == plain.value
        assert tree.lines[("name",)] == plain.lines[("name",)] + text.startswith("---")


def test_small_anchors_are_written_out_as_copies(grammar: type) -> None:
    read = value_of("a: &shape {x: [1, 2]}\nb: *shape\nc: [*shape]\n")
    assert read == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": [{"x": [1, 2]}]}
    read["a"]["x"].append(3)
    assert read["b"] == {"x": [1, 2]}  # a change in one place must not reach another


def test_a_path_of_windows_in_double_quotes_is_told_about_its_backslash(grammar: type) -> None:
    (fault,) = faults_of('a: "C:\\data"\n')
    assert "backslash" in fault.reason
    assert "single quotes" in fault.repair
    assert value_of("a: 'C:\\data'\n") == {"a": "C:\\data"}


# --- places --------------------------------------------------------------------------------------


def test_a_place_names_the_line_of_the_deepest_part_that_is_there(grammar: type) -> None:
    tree = strict_yaml.parse(DISTRICT, "models/x.yaml")
    known = ("components", "pump east", "heat")
    assert tree.place(known) == "models/x.yaml:10: components › pump east › heat"
    missing = ("components", "pump east", "sink", "at")
    assert tree.place(missing) == "models/x.yaml:8: components › pump east › sink › at"
    assert tree.place(("nodes", "plant", "at", 1)) == "models/x.yaml:6: nodes › plant › at › item 2"
    assert tree.place(("studies",)) == "models/x.yaml:2: studies"
    assert tree.place(()) == "models/x.yaml:2"


# --- files ---------------------------------------------------------------------------------------


def refusal(path: Path) -> Fault:
    with pytest.raises(InputError) as refused:
        strict_yaml.read(path)
    (fault,) = refused.value.faults
    assert fault.repair
    assert fault.value is not None
    return fault


def test_a_file_is_read_with_its_name_in_every_place(tmp_path: Path) -> None:
    path = tmp_path / "größe.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + "name: Köln 😀\r\n".encode())
    tree = strict_yaml.read(path)
    assert tree.value == {"name": "Köln 😀"}
    assert tree.place(("name",)) == f"{path}:1: name"


@pytest.mark.parametrize(
    ("data", "line", "reason", "byte"),
    [
        ("a: 1\nname: Köln\n".encode("latin-1"), 2, "not UTF-8", "0xF6"),
        ("name: Köln\n".encode("utf-16"), 1, "UTF-16", "0xFF"),
        (b"a: \xed\xa0\x80\n", 1, "not UTF-8", "0xED"),  # half of a surrogate pair
        (b"a: \xc0\x80\n", 1, "not UTF-8", "0xC0"),  # NUL in disguise
    ],
)
def test_another_encoding_is_refused_at_its_first_byte(
    tmp_path: Path, data: bytes, line: int, reason: str, byte: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    fault = refusal(path)
    assert fault.place == f"{path}:{line}"
    assert reason in fault.reason
    assert byte in str(fault.value)
    assert "UTF-8" in fault.repair


def test_what_is_no_readable_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no such file" in refusal(tmp_path / "missing.yaml").reason
    assert "folder" in refusal(tmp_path).reason
    assert "cannot be read" in refusal(tmp_path / ("long" * 200)).reason
    assert "cannot be read" in refusal(tmp_path / "a\0b").reason
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n")
    assert "cannot be read" in refusal(file / "y.yaml").reason

    def forbid(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)  # the tests may run as root, who may read anything
    assert "Permission denied" in refusal(file).reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "ordinary file" in refusal(tmp_path / "pipe").reason


def test_a_file_above_ten_megabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    fault = refusal(path)
    assert "10 MB" in fault.reason
    assert fault.value == "50000000 bytes"
    assert "10 MB" in faults_of("#" * 10_000_001)[0].reason


def test_numbers_stay_finite_whatever_is_read() -> None:
    largest = value_of("a: 1.7976931348623157e308\n")["a"]
    assert math.isfinite(largest)
    assert "too large" in faults_of("a: 1.8e308\n")[0].reason
