"""Co-players: who plays which rows, that they really do, and that their rows do not train."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
import torch
from toys import Chain, Ring, ring_team

from remalis_agents.co_player_kinds import PastCoPlayer, make_co_player
from remalis_agents.co_players import LEARNING, CoPlayers
from remalis_agents.configs import parse_experiment
from remalis_agents.controllers import make_controller
from remalis_agents.evaluate import evaluate
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.registration import make_team_env
from remalis_agents.rllib.population import PastPolicies, forget_abandoned, put_aside
from remalis_agents.team import Team
from remalis_agents.train import build_config, train
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.team import TeamEnv
from remalis_envs.traffic import traffic_v0

RING_SIZE, RING_ACTIONS = 4, 3


def team_that_says(action, options=None, **spec):
    """A team that names the same symbol whatever it sees."""
    torch.manual_seed(0)
    made = Team(TeamModel(ModelSpec("ippo", RING_SIZE, RING_ACTIONS, 4, options or {"hidden": [8, 8]}, **spec)))
    with torch.no_grad():
        for value in made.model.parameters():
            value.zero_()
        last = [p for p in made.model.parameters() if p.shape == (RING_ACTIONS,)][-1]
        last[action] = 100.0
    return made


class Recording(TeamEnv):
    """Keeps the actions that reach it."""

    def step(self, action):
        self.given = np.array(action)
        return super().step(action)


def co_played(members, share=0.5, agents=4, past_dir=None, **options):
    return CoPlayers(Recording(Ring(agents=agents, horizon=4, **options)), share, members, past_dir)


def test_co_players_act_in_the_learners_stead_and_the_learner_elsewhere(tmp_path):
    team_that_says(2).save_pretrained(tmp_path / "two")
    env = co_played([f"checkpoint:{tmp_path / 'two'}"])
    for seed in range(5):
        env.reset(seed=seed)
        chosen = np.array([0, 1, 0, 1])
        env.step(chosen)
        theirs = list(env.rows)
        assert len(theirs) == 2
        assert (env.env.given[theirs] == 2).all()
        own = [row for row in range(4) if row not in theirs]
        assert (env.env.given[own] == chosen[own]).all()
        assert chosen.tolist() == [0, 1, 0, 1], "what the learner handed in is its own"


def test_rows_of_co_players_are_marked_from_the_first_observation_on():
    env = co_played(["random"])
    _, info = env.reset(seed=3)
    marks = [info[LEARNING]]
    for _ in range(4):
        *_, info = env.step(np.zeros(4, np.int64))
        marks.append(info[LEARNING])
    expected = [0.0 if row in env.rows else 1.0 for row in range(4)]
    assert all(mark.tolist() == expected for mark in marks)
    assert info["metrics"]["co_player_share"] == 0.5


@pytest.mark.parametrize(("share", "agents"), [(0.3, 4), (0.5, 3), (1.0, 3), (0.0, 4), (0.9, 2)])
def test_shares_are_right_over_many_resets(share, agents):
    env = co_played(["random", {"past": 3}, "random"], share, agents)
    counts = []
    rows = np.zeros(agents)
    members = set()
    for seed in range(600):
        env.reset(seed=seed)
        counts.append(len(env.rows))
        rows[list(env.rows)] += 1
        members |= set(env.rows.values())
    assert {abs(count - share * agents) < 1 for count in counts} == {True}, "rounded up or down"
    assert np.mean(counts) / agents == pytest.approx(share, abs=0.03)
    assert rows / 600 == pytest.approx(np.full(agents, share), abs=0.08), "every row alike"
    assert members == ({0, 2} if share else set()), "who is not ready does not play"


def test_padded_rows_are_nobodys():
    env = CoPlayers(ring_team(max_agents=7, agents=3), 1.0, ["random"])
    env.reset(seed=0)
    assert sorted(env.rows) == [0, 1, 2]


def test_the_draw_is_seeded():
    def played(seed):
        env = co_played(["random", "random"], 0.6, mask_first=True)
        out = []
        for episode in range(3):
            env.reset(seed=seed if episode == 0 else None)
            out.append(dict(env.rows))
            for _ in range(4):
                env.step(np.ones(4, np.int64))
                out.append(env.env.given.tolist())
        return out

    assert played(1) == played(1)
    assert played(1) != played(2)


def test_a_trained_co_player_leaves_the_learners_draws_alone(tmp_path):
    team_that_says(1, {"hidden": [8, 8]}).save_pretrained(tmp_path / "one")
    env = co_played([f"checkpoint:{tmp_path / 'one'}"], 1.0)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    env.reset(seed=0)
    env.step(np.zeros(4, np.int64))
    assert torch.equal(torch.rand(3), expected)


def test_random_actions_are_legal_and_all_of_them():
    env = co_played(["random"], 1.0, mask_first=True)
    seen = set()
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        for _ in range(4):
            legal = observation["action_mask"]
            observation, *_ = env.step(np.zeros(4, np.int64))
            assert legal[np.arange(4), env.env.given].all()
            seen |= set(env.env.given.tolist())
    assert seen == {0, 1, 2}


def test_a_controller_plays_as_it_would_alone():
    world = {"level": "easy", "horizon_s": 60}
    env = CoPlayers(Recording(traffic_v0(**world), max_agents=12), 0.5, ["controller:max_pressure"])
    alone = make_controller("max_pressure")
    try:
        observation, _ = env.reset(seed=4)
        alone.reset(env.unwrapped.parallel_env, 0)
        agents, over, differed = env.unwrapped.agents, False, False
        while not over:
            views = {
                agent: {"observation": observation["obs"][row], "action_mask": observation["action_mask"][row]}
                for row, agent in enumerate(agents)
            }
            expected = np.array(list(alone.act(views).values()))
            learner = observation["action_mask"].argmax(axis=1)
            observation, _, _, over, _ = env.step(learner)
            rows = list(env.rows)
            assert (env.env.given[rows] == expected[rows]).all()
            others = [row for row in range(12) if row not in rows]
            assert (env.env.given[others] == learner[others]).all()
            differed |= bool((expected[rows] != learner[rows]).any())
        assert 4 <= len(rows) <= 5 and differed
    finally:
        env.close()


def test_past_policies_are_drawn_from_the_latest(tmp_path):
    env = co_played(["past:2"], 1.0, past_dir=tmp_path)

    def said(seeds=range(20)):
        found = set()
        for seed in seeds:
            env.reset(seed=seed)
            env.step(np.zeros(4, np.int64))
            found |= set(env.env.given.tolist()) if env.rows else {"nobody"}
        return found

    assert said() == {"nobody"}
    put_aside(team_that_says(1), tmp_path, 10)
    assert said() == {1}
    put_aside(team_that_says(2), tmp_path, 20)
    assert said() == {1, 2}
    put_aside(team_that_says(2), tmp_path, 30)
    assert said() == {2}, "the two latest"


def test_a_co_player_with_a_memory_remembers_within_an_episode_only(tmp_path):
    torch.manual_seed(1)
    options = {"hidden": [8, 8], "recurrent": 8}
    team = Team(TeamModel(ModelSpec("ippo", RING_SIZE, RING_ACTIONS, 4, options)))
    player = make_co_player(f"checkpoint:{team.save_pretrained(tmp_path / 'memory')}")
    env = TeamEnv(Ring())
    observation, _ = env.reset(seed=0)
    states = []
    for _ in range(2):
        player.begin(env, 0)
        for _ in range(2):
            player.act(observation)
            states.append({name: value.clone() for name, value in player.team._state.items()})
    for name in states[0]:
        assert not torch.equal(states[0][name], states[1][name])
        assert torch.equal(states[0][name], states[2][name])


@pytest.mark.parametrize(
    ("share", "members", "error", "says"),
    [
        (1.5, ["random"], RemalisError, "share of co-players is a number from 0 to 1"),
        (0.5, [], RemalisError, "Co-players need members"),
        (0.5, "random", RemalisError, "Co-players need members"),
        (0.5, ["randm"], UnknownNameError, "Unknown kind of co-player 'randm'. Did you mean 'random'"),
        (0.5, ["controller:max_presure"], UnknownNameError, "Did you mean 'max_pressure'"),
        (0.5, ["controller"], RemalisError, "controller needs to be told which one"),
        (0.5, ["controller:webster"], RemalisError, "leaves all signals to SUMO"),
        (0.5, ["controller:max_pressure"], RemalisError, "plays traffic signals .* have vectors of length 4"),
        (0.5, ["past:none"], RemalisError, "past takes how many"),
        (0.5, ["checkpoint:nowhere/at/all"], RemalisError, "There is no checkpoint at 'nowhere/at/all'"),
        (0.5, [3], RemalisError, "A co-player is text such as"),
    ],
)
def test_what_is_no_population_is_a_sentence(share, members, error, says):
    with pytest.raises(error, match=says) as caught:
        co_played(members, share)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_other_agents_is_refused(tmp_path):
    team_that_says(0).save_pretrained(tmp_path / "ring")
    with pytest.raises(RemalisError, match="vectors of length 4 and 3 actions, but those of this training have length"):
        CoPlayers(TeamEnv(Chain()), 0.5, [f"checkpoint:{tmp_path / 'ring'}"])


def test_an_unknown_key_is_a_sentence():
    with pytest.raises(UnknownNameError, match="Did you mean 'share'"):
        make_team_env("toys:Ring", {"co_players": {"shares": 0.5, "members": ["random"]}})


BASE = {
    "env": "toys:Ring",
    "stop": {"training_iteration": 5},
    "checkpoint": {"frequency": 1},
    "population": {"share": 0.5, "members": ["random", {"past": 2}], "past_every": 2},
    "config": {
        "environment": {"env_config": {"horizon": 5, "agents": 4}},
        "env_runners": {"num_env_runners": 0, "num_envs_per_env_runner": 4},
        "training": {"lr": 3e-3, "gamma": 0.5, "train_batch_size_per_learner": 600, "minibatch_size": 200},
    },
}


def experiment(*changes):
    return parse_experiment({"mixed": BASE}, changes)[1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["population.share=2"], "share of co-players"),
        (["population.members=[]"], "need members"),
        (["population.past_every=0"], "past_every must be 1"),
        (["population.members=[controller:max_presure]"], "'max_pressure'"),
    ],
)
def test_a_wrong_population_is_told_before_anything_starts(changes, says):
    with pytest.raises(RemalisError, match=says) as caught:
        build_config(experiment(*changes))
    assert "\n" not in str(caught.value)


def test_who_plays_is_no_part_of_what_a_policy_was_trained_on():
    config = build_config(experiment())
    assert config.env_config["co_players"] == {"share": 0.5, "members": ["random", {"past": 2}]}
    assert "co_players" not in config.model_config["trained_on"]["env_config"]


@pytest.mark.ray
def test_rows_of_co_players_have_no_weight_in_training(ray_session):
    from remalis_agents.registration import register_with_ray

    register_with_ray("toys:Ring")
    algo = build_config(experiment("population.members=[random]")).build_algo()
    try:
        episodes = algo.env_runner.sample(num_episodes=2)
        infos = [info for episode in episodes for info in episode.get_infos(slice(0, len(episode)))]
        learner = algo.learner_group._learner
        batch = learner._learner_connector(
            rl_module=learner.module, batch={}, episodes=episodes, shared_data={}, metrics=learner.metrics
        )
        weights = batch["default_policy"]["agent_weights"]
        weights = weights[batch["default_policy"]["loss_mask"].bool()].numpy()
        assert weights.shape == (len(infos), 4)
        assert (weights == np.stack([info["learning"] * info["online"] for info in infos])).all()
        assert 0 < weights.sum() < weights.size
    finally:
        algo.stop()


@pytest.mark.ray
def test_a_training_plays_with_its_own_past_and_is_evaluated_alone(ray_session, tmp_path):
    result = train("mixed", experiment("population.members=[past: 2]"), storage=tmp_path, callbacks=[])
    aside = sorted(path.name for path in (result.run_dir / "past_policies").iterdir())
    assert aside == ["policy_00000002", "policy_00000004"]
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    shares = [float(row["env_runners/metrics/co_player_share"]) for row in rows]
    assert shares[0] == 0.0, "there is no past yet"
    assert shares[-1] == pytest.approx(0.5), "two of four"
    early, late = (Team.from_pretrained(result.run_dir / "past_policies" / name).model.state_dict() for name in aside)
    assert any(not torch.equal(early[name], late[name]) for name in early), "it had learnt in between"
    alone = evaluate(result.checkpoint, episodes=2)
    assert "co_player_share" not in alone.episodes[0]
    asked = evaluate(result.checkpoint, env_config={"co_players": {"share": 0.5, "members": ["random"]}}, episodes=2)
    assert asked.episodes[0]["co_player_share"] == 0.5


def test_what_was_put_aside_later_than_where_a_training_stands_is_forgotten(tmp_path):
    env = co_played(["past:2"], 1.0, past_dir=tmp_path)
    for iteration in (2, 4, 6, 8):
        put_aside(team_that_says(1 if iteration <= 4 else 2), tmp_path, iteration)
    forget_abandoned(None, 0)
    for stands, said, left in ((8, {2}, 4), (4, {1}, 2), (1, {"nobody"}, 0)):
        forget_abandoned(PastPolicies(str(tmp_path), 2, 4), stands)
        found = set()
        for seed in range(10):
            env.reset(seed=seed)
            env.step(np.zeros(4, np.int64))
            found |= set(env.env.given.tolist()) if env.rows else {"nobody"}
        assert found == said
        assert len(list(tmp_path.iterdir())) == left


@pytest.mark.ray
def test_a_resumed_training_does_not_play_with_a_past_that_it_has_left(ray_session, tmp_path):
    """Policies of iterations 2 and 4 are there, but the run goes on from iteration 1: nothing of it is past yet."""
    changes = ["population.members=[past: 2]", "checkpoint.keep=null"]
    begun = train("mixed", experiment(*changes), storage=tmp_path, callbacks=[])
    for place in sorted(begun.trial_dir.glob("checkpoint_*"))[1:]:
        shutil.rmtree(place)
    past = begun.run_dir / "past_policies"
    abandoned = Team.from_pretrained(past / "policy_00000002").model.state_dict()
    longer = experiment(*changes, "stop.training_iteration=3")
    result = train("mixed", longer, storage=tmp_path, resume=True, callbacks=[])
    rows = list(csv.DictReader((result.trial_dir / "progress.csv").open()))
    assert [int(row["training_iteration"]) for row in rows] == [2, 3]
    shares = [float(row["env_runners/metrics/co_player_share"]) for row in rows]
    assert shares[0] == 0.0 and shares[1] > 0.0, "first nobody, then the policy of the new second iteration"
    assert [path.name for path in past.iterdir()] == ["policy_00000002"]
    new = Team.from_pretrained(past / "policy_00000002").model.state_dict()
    assert any(not torch.equal(new[name], abandoned[name]) for name in new)


def test_a_past_player_forgets_what_is_no_longer_drawn_from(tmp_path):
    player, env = PastCoPlayer(tmp_path, 1), TeamEnv(Ring())
    for iteration in range(3):
        put_aside(team_that_says(iteration), tmp_path, iteration)
        player.begin(env, 0)
        observation, _ = env.reset(seed=0)
        assert (player.act(observation) == iteration).all()
        assert len(player._loaded) == 1
