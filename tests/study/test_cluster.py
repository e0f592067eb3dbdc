"""A study on a Dask scheduler with separate worker processes, one of which is killed midway."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citygrid.errors import InputError
from citygrid.study.conduct import conduct
from citygrid.study.execution.cluster import Cluster
from citygrid.study.execution.contract import Answer
from citygrid.study.scenarios.reading import read_study

ROOT = Path(__file__).resolve().parents[2]
VARIED = """
  - grid:
      components.heat pump.heat: [30 kW, 40 kW, 60 kW, 80 kW, 100 kW, 120 kW]
      carbon_price: [0 EUR/kg, 0.05 EUR/kg, 0.10 EUR/kg, 0.20 EUR/kg, 0.30 EUR/kg]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers as a person would start them; the address and the workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    port = address.rpartition(":")[2]
    processes = [start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")]
    for _ in range(2):
        processes.append(start("worker", address, "--nthreads", "1", "--no-nanny",
                               "--no-dashboard"))  # fmt: skip
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def connected(address: str, workers: int) -> None:
    from distributed import Client

    end = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            with Client(address, timeout=10, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=60)
            return
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "tcp://nobody.invalid:8786",
                                     "nonsense", "tcp://:1x", "carrier://pigeon:1"])  # fmt: skip
def test_without_a_scheduler_it_says_what_to_start_and_leaves_nothing(write, tmp_path, address):
    where = address.format(port=free_port())
    with pytest.raises(InputError, match="dask scheduler") as error:
        conduct(read_study(write()), tmp_path / "out", Cluster(where))
    assert len(error.value.faults) == 1 and where in str(error.value)
    assert not (tmp_path / "out").exists()


def test_what_listens_and_says_nothing_is_not_waited_for(write, tmp_path, monkeypatch):
    monkeypatch.setattr("citygrid.study.execution.cluster.CONNECT", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match="no Dask scheduler answers"):
            conduct(read_study(write()), tmp_path / "out", Cluster(address))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_midway_finds_the_same(write, run, tmp_path, cluster):
    address, workers = cluster
    connected(address, 2)
    path = write(VARIED, routes="[lp]")
    study = read_study(path)
    hosts: set[str] = set()
    done_when_killed: list[int] = []

    class Watched(Cluster):
        """One worker is killed midway, but not before both had their part in it."""

        def run(self, *args: Any) -> Iterator[Answer | None]:
            for done, answer in enumerate(super().run(*args)):
                hosts.update([answer.row["worker"]] if answer is not None else [])
                if len(hosts) == 2 and not done_when_killed:
                    workers[0].kill()
                    done_when_killed.append(done)
                yield answer

    done = conduct(study, tmp_path / "out", Watched(address))
    assert done_when_killed and done_when_killed[0] < len(study.tasks)
    assert done.counts == {"relaxed": 30} and done.digest == run(path, out="alone").digest
    assert len(hosts) == 2  # each had a process of its own
    again = conduct(study, tmp_path / "out", Cluster(address))
    assert (again.computed, again.digest) == (0, done.digest)


@pytest.mark.slow
def test_limits_are_hard_on_a_cluster_too(write, tmp_path, cluster, monkeypatch):
    (tmp_path / "endless_of_a_test.py").write_text(
        "import dimod\n"
        "class Endless(dimod.Sampler):\n"
        "    parameters = properties = None\n"
        "    def __init__(self): self.parameters, self.properties = {'seed': []}, {}\n"
        "    def sample(self, bqm, **_):\n"
        "        while True: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    address, _ = cluster
    connected(address, 2)
    path = write(vary="", routes='[{route: qubo, sampler: "endless_of_a_test:Endless"}, lp]',
                 more="limits: {time: 8 s}")  # fmt: skip
    done = conduct(read_study(path, trusted=True), tmp_path / "out", Cluster(address))
    assert [row["status"] for row in done.rows] == ["timed_out", "relaxed"]
