"""What loading says in places to which few files lead."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import citygrid as cg
from citygrid.district.load import _key_of, checked
from citygrid.district.sound import sound_part
from citygrid.district.spec import DistrictSpec
from citygrid.district.strict_yaml import read
from citygrid.errors import InputError
from citygrid.inputs.series import SeriesSpec, read_series
from citygrid.inputs.stamps import changes_clocks
from citygrid.inputs.time import read_horizon
from tests.conftest import REPOSITORY
from tests.district.test_load import written

DISTRICTS = REPOSITORY / "tests" / "components" / "districts"


def test_a_district_says_what_it_is(tmp_path: Path) -> None:
    district = cg.load(written(tmp_path))
    assert district.name == "two nodes" and district.folder == tmp_path
    says = district.says
    assert says["file"] == "district.yaml" and says["nodes"] == "2"
    assert says["components"] == "9 components of 9 kinds"
    assert says["hash"] == district.hash[:12]
    assert repr(district) == (
        '<District "two nodes": district.yaml, 9 components of 9 kinds, '
        f"{says['horizon']}>"
    )  # fmt: skip
    assert "<td" in district._repr_html_() and "2023-01-16T00:00Z" in district._repr_html_()


def test_without_further_no_other_file_is_looked_into(tmp_path: Path) -> None:
    """The weather's file is not there either, and is not what was asked."""
    path = written(tmp_path, ("capacity: 1 MW", "capacity: 1 m"), ("air.csv", "none.csv"))
    with pytest.raises(InputError) as caught:
        checked(path, read(path), "", further=False)
    assert [fault.place.rpartition(" › ")[2] for fault in caught.value.faults] == ["capacity"]


def test_a_list_that_needs_items_says_how_many(tmp_path: Path) -> None:
    jobs = "jobs: {kind: job_pool, sites: [], jobs: []}\n  gas: {"
    with pytest.raises(InputError) as caught:
        cg.load(written(tmp_path, ("gas: {", jobs)))
    (fault,) = (f for f in caught.value.faults if "needs at least" in f.reason)
    assert fault.reason == "needs at least 1 item" and fault.repair


def test_a_name_in_a_list_is_told_at_its_place_in_it() -> None:
    entry = {"kind": "job_pool", "sites": ["servers", "nowhere"]}
    assert _key_of(entry, "nowhere") == ("sites", 1)
    assert _key_of(entry, "job_pool") == ("kind",)
    assert _key_of(entry, "elsewhere") == ()


def test_a_share_needs_no_unit_and_one_row_is_a_step_of_the_horizon(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("time,share\n2023-01-16T00:00Z,0.25\n", encoding="utf-8")
    horizon = read_horizon("2023-01-16T00:00Z", "2 h", "2 h", None)
    assert list(read_series(SeriesSpec(file), horizon, "1")) == [0.25]


def test_stamps_that_cannot_be_read_leave_nothing_to_place(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("time,share\nsoon,0.25\nlater,0.5\n", encoding="utf-8")
    horizon = read_horizon("2023-01-16T00:00Z", "2 h", "1 h", None)
    with pytest.raises(InputError) as caught:
        read_series(SeriesSpec(file), horizon, "1")
    assert {fault.place for fault in caught.value.faults} == {f"{file}, row 2", f"{file}, row 3"}


def test_a_wrong_size_of_what_has_modes_is_told_alone(tmp_path: Path) -> None:
    """Of a centre whose modes were not read nobody knows the loops: no port is held against it."""
    text = (DISTRICTS / "data_center.yaml").read_text(encoding="utf-8")
    assert text.count("node: lab, capacity: 50 kW") == 1
    for name in ("data_center.csv", "weather_cold.csv"):
        shutil.copy(DISTRICTS / name, tmp_path)
    path = tmp_path / "district.yaml"
    path.write_text(text.replace("node: lab, capacity: 50 kW", "node: lab, capacity: 50 apples"))
    with pytest.raises(InputError) as error:
        cg.load(path)
    assert [fault.value for fault in error.value.faults] == ["50 apples"]


def test_a_frame_that_no_repair_makes_sound_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(frame: dict[str, Any]) -> DistrictSpec:
        return refused(frame | {"weather": 5})

    refused = DistrictSpec.model_validate
    monkeypatch.setattr(DistrictSpec, "model_validate", never)
    whole = read(REPOSITORY / "models" / "tiny.yaml").value
    assert sound_part(whole) == (None, frozenset())


def test_clocks_that_stand_still_are_never_set_back() -> None:
    horizon = read_horizon("2023-10-29T00:00Z", "2 h", "1 h", None)
    before, after = horizon.time
    assert changes_clocks("Europe/Berlin", before, after)
    assert not changes_clocks("UTC", before, after) and not changes_clocks(None, before, after)
