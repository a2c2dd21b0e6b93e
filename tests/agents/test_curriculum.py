"""Curriculum: what an experiment may ask for, when a team goes on, and that a resumed training knows its stage."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest
from toys import Ring

from remalis_agents.cli import main
from remalis_agents.configs import parse_experiment
from remalis_agents.configs.schema import ConfigError, StopSection
from remalis_agents.curriculum import Curriculum, Stage
from remalis_agents.evaluate import evaluate, load_team, stage_played
from remalis_agents.mixtures import with_world
from remalis_agents.progress import TrainingProgress
from remalis_agents.runs import TrainingError
from remalis_agents.train import build_config, train
from remalis_agents.worlds import plan_curriculum
from remalis_envs.errors import UnknownNameError


class SizedRing(Ring):
    """A ring that says how large it is."""

    def metrics(self):
        return {**super().metrics(), "size": len(self.possible_agents)}


BASE = {
    "env": "test_curriculum:SizedRing",
    "stop": {"training_iteration": 8},
    "checkpoint": {"frequency": 1},
    "curriculum": {
        "stages": [{"agents": 3}, {"agents": 5}, {"agents": 7}],
        "figure": "right_share",
        "promote_above": [0.45, 0.7],
        "episodes": 40,
    },
    "config": {
        "environment": {"env_config": {"horizon": 5, "agents": 2}},
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 4},
        "training": {"lr": 3e-3, "gamma": 0.5, "train_batch_size_per_learner": 600, "minibatch_size": 200},
    },
}


def experiment(*changes):
    return parse_experiment({"grow": BASE}, changes)[1]


def three_stages(above=True, thresholds=(1.0, 2.0), episodes=2, min_env_steps=10):
    stages = tuple(Stage(str(n), {}, n) for n in range(3))
    return Curriculum(stages, "figure", thresholds, above, episodes, min_env_steps)


@pytest.mark.parametrize(
    ("curriculum", "stage", "figures", "env_steps", "passed"),
    [
        (three_stages(), 0, [1.0, 1.0], 10, True),
        (three_stages(), 0, [0.9, 1.0], 10, False),
        (three_stages(), 0, [0.0, 1.0, 1.0], 10, True),  # the latest count
        (three_stages(), 0, [5.0], 10, False),  # too few episodes
        (three_stages(), 0, [1.0, 1.0], 9, False),  # too few steps
        (three_stages(), 1, [1.0, 1.0], 10, False),  # a threshold of its own
        (three_stages(), 1, [2.0, 2.0], 10, True),
        (three_stages(), 2, [9.0, 9.0], 10, False),  # the last stage has no next
        (three_stages(above=False), 0, [0.5, 1.5], 10, True),
        (three_stages(above=False), 0, [1.5, 1.0], 10, False),
    ],
)
def test_a_stage_is_passed_when_the_figure_says_so(curriculum, stage, figures, env_steps, passed):
    assert curriculum.is_passed(stage, figures, env_steps) is passed


def test_stages_are_levels_or_options_that_change_the_environments_own():
    made = parse_experiment(
        {
            "levels": {
                "env": "remalis/TrafficTeam-v0",
                "config": {"environment": {"env_config": {"level": "hard", "reward": "delay"}}},
                "curriculum": {
                    "stages": [
                        "easy",
                        {"scenario": "resco/cologne3", "protocol": "resco"},
                        {"scenarios": [{"level": "easy"}, {"level": "medium"}]},
                        {"level": "medium"},
                    ],
                    "figure": "mean_delay_s",
                    "promote_below": 40,
                },
            }
        }
    )[1]
    curriculum = plan_curriculum(made)
    assert [stage.name for stage in curriculum.stages] == ["easy", "resco/cologne3", "easy + medium", "medium"]
    assert [stage.agents for stage in curriculum.stages] == [9, 3, 25, 25]
    assert curriculum.stages[0].env_config == {"level": "easy", "reward": "delay"}
    assert curriculum.stages[1].env_config == {"scenario": "resco/cologne3", "protocol": "resco", "reward": "delay"}
    assert (curriculum.above, curriculum.thresholds) == (False, (40.0, 40.0, 40.0))
    config = build_config(made)
    assert config.observation_space["alive"].shape == (9,)
    assert config.model_config["trained_on"]["env_config"]["level"] == "medium", "the goal"


def test_without_stages_there_is_none():
    assert plan_curriculum(experiment("curriculum.stages=[]", "curriculum.promote_above=null")) is None


def test_a_method_that_needs_one_size_of_team_is_padded_in_every_stage():
    curriculum = plan_curriculum(experiment("rl_module.sharing=none"))
    assert [stage.agents for stage in curriculum.stages] == [7, 7, 7]
    assert all(stage.env_config["max_agents"] == 7 for stage in curriculum.stages)
    assert [stage.agents for stage in plan_curriculum(experiment()).stages] == [3, 5, 7]


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        (["curriculum.stages=[]"], ConfigError, "has a threshold but no stages"),
        (["curriculum.promote_above=null"], ConfigError, "needs promote_above or promote_below.*it has neither"),
        (["curriculum.promote_below=3"], ConfigError, "it has both"),
        (["curriculum.promote_above=[1, 2, 3]"], ConfigError, "one for each of the 2 stages before the last"),
        (["curriculum.promote_above=[1, many]"], ConfigError, "one for each of the 2 stages before the last"),
        (["curriculum.stages=[3, 4, 5]"], ConfigError, "A stage is a level's name or a mapping"),
        (["curriculum.stages=[{agents: 2}, {agentz: 3}]", "curriculum.promote_above=1"], ConfigError, "agentz 3"),
        (["curriculum.episodes=0"], ConfigError, "episodes must be 1 or more"),
        (["curriculum.stage=[easy]"], ConfigError, "Did you mean 'stages'"),
        (["stop.episode_return_mean=3"], ConfigError, "whichever stage reaches it first"),
        (
            ["env=remalis/TrafficTeam-v0", "environment.env_config={}", "curriculum.stages=[easy, meduim, hard]"],
            UnknownNameError,
            "'medium'",
        ),
    ],
)
def test_what_is_no_curriculum_is_a_sentence(changes, error, says):
    body = {**BASE, "config": {}} if "env=remalis/TrafficTeam-v0" in changes else BASE
    with pytest.raises(error, match=says) as caught:
        plan_curriculum(parse_experiment({"grow": body}, changes)[1])
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def trained(ray_session, tmp_path_factory):
    return train("grow", experiment(), storage=tmp_path_factory.mktemp("runs"), callbacks=[])


def stages_of(trial_dir):
    rows = csv.DictReader((trial_dir / "progress.csv").open())
    return [int(row["curriculum_stage"]) for row in rows]


@pytest.mark.ray
def test_a_team_is_promoted_stage_by_stage(trained):
    stages = stages_of(trained.trial_dir)
    assert stages[0] == 1
    assert stages[-1] == 3
    assert all(0 <= after - before <= 1 for before, after in pairwise(stages))
    assert trained.metrics["curriculum_stage_name"] == "agents 7"
    assert "curriculum_figures" not in trained.metrics["env_runners"]
    played = evaluate(trained.checkpoint, episodes=5)
    assert played.env_config["agents"] == 7
    assert played.interval("right_share")[0] > 0.8, "chance is 1/3"


@pytest.mark.ray
def test_an_evaluation_says_which_stage_is_played(trained, capsys):
    assert main(["evaluate", str(trained.run_dir), "--episodes", "2"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "trained in stages agents 3 > agents 5 > agents 7 and reached agents 7 (3 of 3)." in shown
    assert "The last, agents 7, is played; --level or --set choose another." in shown
    other = evaluate(trained.checkpoint, env_config={"agents": 3}, episodes=1)
    assert other.env_config["agents"] == 3 and "is played" not in other.stage
    exported = load_team(load_team(trained.run_dir).save_pretrained(trained.run_dir.parent / "exported"))
    assert exported.trained_on["stage_reached"] == 3


def test_a_level_takes_the_place_of_the_last_stage():
    trained_on = {"env_config": {"level": "hell", "reward": "delay"}, "stages": ["easy", "hell"], "stage_reached": 1}
    last = {**trained_on["env_config"], "split": "test"}
    assert "reached easy (1 of 2). The last, hell, is played" in stage_played(trained_on, last)
    assert stage_played(trained_on, with_world(last, {"level": "easy"})).endswith("reached easy (1 of 2).")
    assert stage_played({"env_config": {"level": "hell"}}, last) == ""


@pytest.mark.ray
def test_a_resumed_training_goes_on_in_its_stage(trained):
    longer = experiment("stop.training_iteration=9")
    result = train("grow", longer, storage=trained.run_dir.parent, resume=trained.run_dir, callbacks=[])
    assert stages_of(result.trial_dir) == [3]
    assert result.metrics["env_runners"]["metrics"]["size"] == 7, "and its environments are those of the stage"
    assert result.metrics["training_iteration"] == 9


@pytest.mark.ray
def test_a_training_is_resumed_with_the_same_curriculum_only(trained):
    other = experiment("stop.training_iteration=9", "curriculum.episodes=41")
    with pytest.raises(TrainingError, match=r"curriculum\.episodes was 40 and is now 41"):
        train("grow", other, storage=trained.run_dir.parent, resume=trained.run_dir, callbacks=[])


MEMORY = ["rl_module.options={recurrent: 8}", "rl_module.max_seq_len=5", "env_runners.num_env_runners=1"]
"""A state whose rows are the agents', on a runner elsewhere."""


@pytest.mark.ray
@pytest.mark.parametrize("changes", [MEMORY, ["run=IDQN", "training.learning_starts=200"]], ids=["memory", "replay"])
def test_every_kind_of_learner_follows_teams_of_other_sizes(ray_session, tmp_path, changes):
    always = ["stop.training_iteration=3", "curriculum.promote_above=0.01"]
    result = train("grow", experiment(*changes, *always), storage=tmp_path, callbacks=[])
    assert stages_of(result.trial_dir) == [1, 2, 3]


@pytest.fixture
def built(ray_session):
    """Makes an algorithm of the experiment with changes, without the tuner around it."""
    from remalis_agents.registration import register_with_ray

    made = []

    def build(*changes):
        register_with_ray(BASE["env"])
        made.append(build_config(experiment(*changes)).build_algo())
        return made[-1]

    yield build
    for algo in made:
        algo.stop()


@pytest.mark.ray
def test_min_env_steps_holds_a_team_back(built):
    algo = built("curriculum.promote_above=0.01", "curriculum.min_env_steps=1000")
    assert [algo.train()["curriculum_stage"] for _ in range(4)] == [1, 1, 2, 2], "600 steps an iteration"


@pytest.mark.ray
def test_a_figure_that_the_environment_does_not_have_is_a_sentence(ray_session, tmp_path):
    with pytest.raises(TrainingError, match=r"Unknown curriculum\.figure 'right_shares'\. Did you mean 'right_share'"):
        train("grow", experiment("curriculum.figure=right_shares"), storage=tmp_path, callbacks=[])


@pytest.mark.ray
def test_the_return_is_a_figure_of_every_environment(built):
    algo = built("curriculum.figure=episode_return_mean", "curriculum.promote_above=0.1")
    assert [algo.train()["curriculum_stage"] for _ in range(2)] == [1, 2]


def one_runner_dies(algo, iterations, told=lambda: None):
    """Trains until the runner that was killed is back, and returns what ``told`` gave after each iteration."""
    import ray

    group, heard = algo.env_runner_group, []
    ray.kill(group._worker_manager.actors()[1], no_restart=False)
    for _ in range(iterations):
        algo.train()
        heard.append(told())
        if group.num_healthy_remote_workers() == 2:
            return heard
    raise AssertionError("the runner did not come back")


def sizes_of(algo):
    """Agents of each runner's environments, and those that its module expects."""
    return algo.env_runner_group.foreach_env_runner(
        lambda runner: (runner.env.single_observation_space["alive"].shape[0], runner.module.agents),
        local_env_runner=False,
    )


@pytest.mark.ray
@pytest.mark.full
def test_a_runner_that_died_comes_back_into_the_stage(built):
    """The training has gone on to its last stage in the meantime."""
    algo = built("env_runners.num_env_runners=2", "curriculum.promote_above=0.01")
    assert algo.train()["curriculum_stage"] == 1
    one_runner_dies(algo, 20)
    assert sizes_of(algo) == [(7, 7), (7, 7)]


@pytest.mark.ray
@pytest.mark.parametrize("method", [pytest.param("IPPO", marks=pytest.mark.full), "IDQN"])
def test_a_runner_that_is_restored_plays_the_stage_that_holds_and_nothing_is_forgotten(built, method):
    """The training stays in its second stage, so that nothing but the restoring can take the new runner there."""
    algo = built(f"run={method}", "env_runners.num_env_runners=2", "curriculum.promote_above=[0.01, 99]")
    algo.train()
    assert algo.standing.stage == 1
    algo.train()

    def told():
        return len(algo.buffer) if method == "IDQN" else 0

    remembered = [told(), *one_runner_dies(algo, 40, told)]
    assert sizes_of(algo) == [(5, 5), (5, 5)]
    algo.train()
    remembered.append(told())
    assert remembered == sorted(remembered), "the buffer is of this stage still"
    assert (remembered[0] > 0) == (method == "IDQN")
    assert algo.standing.stage == 1


def test_progress_shows_the_stage():
    stream = io.StringIO()
    shown = TrainingProgress("grow", StopSection(training_iteration=1), stream)
    shown.on_trial_result(
        1, [], None, {"training_iteration": 1, "curriculum_stage": 2, "curriculum_stage_name": "medium"}
    )
    assert "stage 2 (medium)" in stream.getvalue()
