"""Recordings by several processes: the same as by one, and whole or none."""

from __future__ import annotations

import os

import pyarrow.parquet as pq
import pytest
from demonstrations import experiment

from remalis_agents.imitation.demonstrating import demonstrate
from remalis_agents.imitation.schema import DemonstrationError
from remalis_agents.imitation.side_by_side import SideBySide
from remalis_agents.train import train

pytestmark = pytest.mark.ray


def test_processes_record_what_one_records(ring_file, tmp_path):
    teacher = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[]).run_dir
    tables = []
    for processes in (1, 3):
        out = tmp_path / f"{processes}.parquet"
        demonstrate(out, checkpoint=str(teacher), sample=True, processes=processes, quiet=True)
        tables.append(pq.read_table(out).to_pydict())
    assert tables[0] == tables[1] and len(tables[0]["step"]) == 100


def test_a_process_that_ends_before_its_time_is_reported(tmp_path):
    with pytest.raises(DemonstrationError, match="ended before its time"), SideBySide(_no_scene, 2) as helpers:
        list(helpers.played(0, 4))


def _no_scene():
    os._exit(1)


def test_a_team_is_corrected_side_by_side(ring_file, tmp_path):
    teacher = train("ring", experiment(ring_file), storage=tmp_path, callbacks=[])
    trained = []
    for processes in (1, 2):
        asked = f"{{checkpoint: {teacher.run_dir}, episodes: 10, rounds: 2, processes: {processes}}}"
        again = experiment("", f"imitation.demonstrations={asked}", "imitation.epochs=2")
        run = train("ring", again, storage=tmp_path / str(processes), callbacks=[])
        trained.append([pq.read_table(file).to_pydict() for file in sorted(run.run_dir.glob("*.parquet"))])
    assert len(trained[0]) == 2 and trained[0] == trained[1]
