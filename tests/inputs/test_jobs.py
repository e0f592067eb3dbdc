from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from citygrid.errors import Fault, InputError
from citygrid.inputs.jobs import Jobs, bundle_tasks, check_jobs, collect_jobs, read_jobs

HEADER = "job,power [kW],duration [h],release,deadline,preemptible,sites\n"
ROW = "a,50,2,2023-01-16T00:00+01:00,2023-01-16T06:00+01:00,false,dc west|dc east\n"


def write(folder, text, name="jobs.csv"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def listed(**changes):
    job = {"job": "b", "power": 10.0, "duration": 1.0, "preemptible": False, "sites": ()}
    return job | {"release": "2023-01-16T00:00Z", "deadline": "2023-01-16T04:00Z"} | changes


def faults(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return [str(fault) for fault in caught.value.faults]


def test_jobs_are_read_in_canonical_units_and_utc(tmp_path):
    text = "job,power [MW],duration [min],release,deadline,preemptible,sites\n"
    text += "train,0.05,90,2023-01-16T00:00+01:00,2023-01-16T06:00Z,Yes,dc west | dc east\n"
    text += "render,0.02,60,2023-01-16 00:00Z,2023-01-16 06:00Z,,\n"
    jobs = read_jobs(write(tmp_path, text))
    assert list(jobs.name) == ["train", "render"] and len(jobs) == 2
    assert jobs.power == pytest.approx([50.0, 20.0]) and jobs.duration == pytest.approx([1.5, 1.0])
    assert jobs.energy == pytest.approx([75.0, 20.0])
    assert jobs.release[0] == np.datetime64("2023-01-15T23:00", "ns")
    assert jobs.deadline[0] == np.datetime64("2023-01-16T06:00", "ns")
    assert list(jobs.preemptible) == [True, False]
    assert jobs.sites == (("dc west", "dc east"), ())


def test_what_may_be_left_out_is_left_out(tmp_path):
    text = (
        "job,power [kW],duration [h],release,deadline\na,1,1,2023-01-16T00:00Z,2023-01-16T06:00Z\n"
    )
    jobs = read_jobs(write(tmp_path, text))
    assert not jobs.preemptible[0] and jobs.sites == ((),)


def test_parquet_keeps_stamps_and_flags_of_its_own(tmp_path):
    stamps = pd.to_datetime(["2023-01-16T00:00+01:00"])
    frame = pd.DataFrame({
        "job": ["a"], "power [kW]": [5.0], "duration [h]": [2], "release": stamps,
        "deadline": stamps + pd.Timedelta(hours=5), "preemptible": [True], "sites": [None],
    })  # fmt: skip
    file = tmp_path / "jobs.parquet"
    frame.to_parquet(file)
    jobs = read_jobs(file)
    assert jobs.release[0] == np.datetime64("2023-01-15T23:00", "ns")
    assert jobs.preemptible[0] and jobs.sites == ((),)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",50,", ",-5,", 'row 2: the power is not a positive number.*"-5 kW"'),
        (",50,", ",0,", "row 2: the power is not a positive"),
        (",50,", ",,", 'row 2, column "power \\[kW\\]".*empty'),
        (",50,", ",nan,", "row 2.*missing"),
        (",50,", ",inf,", "row 2.*infinite"),
        (",50,", ",big,", 'row 2.*not a number.*"big"'),
        (",2,", ",0,", "row 2: the duration is not a positive"),
        (",2,", ",7,", 'row 2: the job is longer than its window.*"7 h in 6 h"'),
        ("-16T06:00", "-15T06:00", "row 2: the deadline is not after the release"),
        ("T06:00+01:00", "T00:00+01:00", "row 2: the deadline is not after the release"),
        ("T00:00+01:00", "T00:00", "row 2, release.*offset from UTC.*Z or"),
        ("2023-01-16T06:00+01:00", "tomorrow", 'row 2, deadline.*cannot read.*"tomorrow"'),
        ("2023-01-16T06:00+01:00", "", "row 2, deadline.*cannot read"),
        (",false,", ",maybe,", 'row 2, preemptible.*neither true nor false.*"maybe"'),
        ("|dc east", "|dc west", "row 2: a site is named twice"),
        ("a,50", ",50", "row 2: the job has no name"),
        ("power [kW]", "power", "power has no unit.*power \\[kW\\]"),
        ("power [kW]", "power [kg]", "header: .*is not a power"),
        ("deadline", "due", 'no column "deadline".*"due"'),
        ("preemptible", "interruptible", 'unknown column.*"interruptible"'),
    ],
)
def test_a_wrong_job_is_refused_naming_row_value_and_repair(tmp_path, old, new, told):
    text = (HEADER + ROW).replace(old, new, 1)
    assert text != HEADER + ROW
    found = faults(read_jobs, write(tmp_path, text))
    assert any(re.search(told, fault) for fault in found), found
    assert all("jobs.csv" in fault for fault in found)


def test_all_wrong_rows_are_told_at_once(tmp_path):
    rows = [ROW, ROW, ROW.replace("a,50", "c,-1"), ROW.replace("a,", "d,").replace(",2,", ",9,")]
    rows.append(ROW.replace("a,", "e,").replace("06:00+01:00", "25:00"))
    found = faults(read_jobs, write(tmp_path, HEADER + "".join(rows)))
    assert [re.search(r"row (\d)", fault)[1] for fault in found] == ["6", "4", "5", "3"]
    assert "the other is" in found[-1] and "row 2" in found[-1]


def test_jobs_of_a_file_and_of_the_district_are_one_list(tmp_path):
    jobs = collect_jobs(write(tmp_path, HEADER + ROW), [listed(), listed(job="c", sites=("dc",))])
    assert list(jobs.name) == ["a", "b", "c"]
    assert jobs.sites == (("dc west", "dc east"), (), ("dc",))
    assert jobs.release.dtype == np.dtype("datetime64[ns]")
    assert len(collect_jobs(None, [])) == 0


def test_listed_jobs_are_checked_like_those_of_a_file(tmp_path):
    found = faults(collect_jobs, None, [
        listed(duration=9.0), listed(job="c", power=-1.0), listed(job="d", release="2023-01-16"),
        listed(),
    ])  # fmt: skip
    text = "\n".join(found)
    assert 'job 1 "b": the job is longer than its window' in text
    assert 'job 2 "c": the power is not a positive number' in text
    assert 'job 3 "d", release' in text and "offset from UTC" in text
    assert 'job 4 "b": a job of this name is there already' in text
    (told,) = faults(collect_jobs, write(tmp_path, HEADER + ROW), [listed(job="a")])
    assert "job 1" in told and "jobs.csv, row 2" in told


def test_a_window_just_as_long_as_the_job_is_enough():
    assert len(collect_jobs(None, [listed(duration=4.0)])) == 1


def test_checks_serve_jobs_from_anywhere():
    nowhere = np.array(["NaT"], dtype="datetime64[ns]")
    jobs = Jobs(np.array(["x"], dtype=object), np.array([np.nan]), np.array([1.0]), nowhere,
                nowhere, np.array([False]), ((),), ("",), np.zeros(1),
                np.array([np.inf]))  # fmt: skip
    found = check_jobs(jobs, lambda i: f"job {i}")
    assert {fault.reason for fault in found} == {
        "the power is not a positive number", "release or deadline is missing"
    }  # fmt: skip
    assert all(isinstance(fault, Fault) and fault.place == "job 0" for fault in found)


def test_data_and_latency_are_not_negative():
    jobs = collect_jobs(None, [listed(home="dc west", data=1.0, latency=5.0)])
    found = check_jobs(replace(jobs, data=np.array([-1.0]), latency=np.array([-5.0])), str)
    assert [str(fault) for fault in found] == [
        '0: the data is negative (got "-1 GB"); write zero or more',
        '0: the latency is negative (got "-5 ms"); write zero or more',
    ]


# Traces -----------------------------------------------------------------------------------------

HOUR = 3_600_000
NOON = 1665748800000  # 2022-10-14T12:00Z


def tasks(*rows):
    frame = pd.DataFrame(rows, columns=["submission_time", "duration"])
    return frame.assign(cpu_count=16)


def test_tasks_of_an_hour_and_a_class_become_one_job_of_their_energy():
    found = bundle_tasks(
        tasks((NOON, HOUR // 2), (NOON + 9, HOUR), (NOON + HOUR, HOUR), (NOON, 3.5 * HOUR)),
        watts_per_core=10.0,
    )
    assert list(found["tasks"]) == [2, 1, 1]
    assert list(found["duration [h]"]) == [1.0, 4.0, 1.0]
    energy = found["power [kW]"] * found["duration [h]"]
    assert energy.to_numpy() == pytest.approx([0.16 * 1.5, 0.16 * 3.5, 0.16])
    assert found["release"].iloc[0] == pd.Timestamp("2022-10-14T13:00Z")
    assert (found["deadline"] - found["release"] == pd.Timedelta(hours=24)).all()
    assert found["job"].is_unique


def test_a_bundle_is_due_when_its_first_task_is():
    due = tasks((NOON, HOUR), (NOON, HOUR)).assign(deadline=[NOON + 20 * HOUR, NOON + 9 * HOUR])
    assert bundle_tasks(due)["deadline"].iloc[0] == pd.Timestamp("2022-10-14T21:00Z")


def test_tasks_longer_than_the_last_class_are_cut_there():
    found = bundle_tasks(tasks((NOON, 100 * HOUR)), watts_per_core=10.0)
    assert found["duration [h]"].iloc[0] == 12.0
    assert found["power [kW]"].iloc[0] == pytest.approx(0.16)
