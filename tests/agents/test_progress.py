"""The progress display: figures, time left, targets; plain lines where there is no terminal."""

from __future__ import annotations

import io
import pickle

import pytest

from remalis_agents.configs.schema import StopSection
from remalis_agents.progress import AtTarget, TrainingProgress, done_share, duration, headline


def result(steps, seconds, iteration=1, **metrics):
    runners = {"num_env_steps_sampled_lifetime": steps, "episode_return_mean": -5.0}
    if metrics:
        runners["metrics"] = metrics
    return {"training_iteration": iteration, "time_total_s": seconds, "env_runners": runners}


def test_done_is_the_nearest_target():
    stop = StopSection(env_steps=1000, time_s=100.0)
    assert done_share(result(100, 50.0), stop) == pytest.approx(0.5)
    assert done_share(result(900, 50.0), stop) == pytest.approx(0.9)
    assert done_share(result(5000, 50.0), stop) == 1.0
    assert done_share(result(5000, 50.0), StopSection()) == 0.0


def test_a_run_ends_at_its_target_and_not_before():
    ends = AtTarget(StopSection(training_iteration=3))
    assert [ends("trial", result(0, 0.0, iteration=i)) for i in (1, 2, 3)] == [False, False, True]
    assert AtTarget(StopSection(episode_return_mean=-5.0))("trial", result(0, 0.0))
    assert not AtTarget(StopSection(episode_return_mean=-4.9))("trial", result(0, 0.0))


def test_the_environments_own_figure_leads():
    assert headline(result(1, 1.0, throughput=3.0, mean_delay_s=19.5)) == ("mean_delay_s", 19.5)
    assert headline(result(1, 1.0)) == ("episode_return_mean", -5.0)
    assert headline({}) is None


def test_plain_lines_say_where_it_is_and_how_long_it_takes():
    stream = io.StringIO()
    progress = TrainingProgress("demo", StopSection(time_s=100.0), stream)
    progress.setup()
    progress.on_trial_result(1, [], None, result(500, 20.0, mean_delay_s=21.234))
    for second in range(21, 99):  # quiet in between
        progress.on_trial_result(1, [], None, result(500 + second, float(second), mean_delay_s=20.0))
    progress.on_trial_result(1, [], None, result(3000, 100.0, iteration=9, mean_delay_s=17.5))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "env-steps 500, env-steps/s 25, mean_delay_s 21.23, time 0:20, left 1:20" in lines[1]
    assert "iteration 9" in lines[2] and "left" not in lines[2]


def test_runners_that_died_are_shown():
    stream = io.StringIO()
    progress = TrainingProgress("demo", StopSection(time_s=100.0), stream)
    progress.on_trial_result(1, [], None, {**result(500, 20.0), "env_runners_lost_lifetime": 2})
    assert "env runners lost 2" in stream.getvalue()


def test_a_terminal_gets_a_live_table():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = TrainingProgress("demo", StopSection(time_s=100.0), stream)
    progress.setup()
    progress.on_trial_result(1, [], None, result(500, 20.0, mean_delay_s=21.234))
    progress.on_experiment_end([])
    assert "21.23" in stream.getvalue() and "1:20" in stream.getvalue()


def test_tune_can_store_it():
    copied = pickle.loads(pickle.dumps(TrainingProgress("demo", StopSection(time_s=3.0))))
    assert (copied.name, copied.stop.time_s) == ("demo", 3.0)


def test_durations():
    assert [duration(s) for s in (5, 65.4, 3723)] == ["0:05", "1:05", "1:02:03"]
