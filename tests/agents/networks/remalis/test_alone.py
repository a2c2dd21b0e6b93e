"""Decentralised execution: agents in processes of their own, with nothing but messages, act as the team does."""

from __future__ import annotations

import importlib.util
import multiprocessing
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from remalis_teams import ACTIONS, LAYOUT, SIZE, begin, line, network, team

from remalis_agents.networks.acting import decide
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis.alone import Agent
from remalis_envs.errors import RemalisError

N, STEPS = 5, 5


def outage(edges: torch.Tensor) -> torch.Tensor:
    """Agent 2 is away in the third and fourth step."""
    edges[:, 2:4, 2, :] = edges[:, 2:4, :, 2] = 0.0
    return edges


@pytest.fixture(scope="module")
def lone_agents():
    """The module that the processes run; it must have a name by which they can import it."""
    file = Path(__file__).with_name("lone_agents.py")
    spec = importlib.util.spec_from_file_location("lone_agents", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jointly(model: TeamModel, given) -> list:
    """Decisions step by step, of all at once."""
    state, decisions = begin(model.network, given).state, []
    for t in range(STEPS):
        step = given._replace(**{n: getattr(given, n)[:, t : t + 1] for n in given._fields[:4]}, state=state)
        with torch.no_grad():
            decisions.append(decide(model, step._replace(sample=False)))
        state = decisions[-1].output.state
    return decisions


LIMITS = [
    {"delay": 2, "byte_budget": 400, "rounds": 2},
    {"delay": 1, "communication": "selective", "byte_budget": 130},
    {"drop_rate": 0.9},
]


TRANSFORMER = {"body": "transformer", "body_layers": 2, "body_heads": 2}


@pytest.mark.parametrize(
    "options", [{}, {"communication": "selective"}, {"gate_budget": 0.5, "rounds": 2}, *LIMITS, TRANSFORMER]
)
def test_agents_in_their_own_processes_act_as_the_team_does(options, lone_agents):
    net = network(spread=0.1, **options)
    spec = ModelSpec("remalis", SIZE, ACTIONS, 4, dict(options), LAYOUT, subgoals=6, concepts=5)
    # What is lost is the real network's business: these pipes lose nothing.
    reliable = ModelSpec("remalis", SIZE, ACTIONS, 4, {**options, "drop_rate": 0.0}, LAYOUT, subgoals=6, concepts=5)
    model, given = TeamModel(reliable), team(outage(line(N, STEPS)))
    model.network.load_state_dict(net.state_dict())
    expected = jointly(model, given)
    context = multiprocessing.get_context("fork")
    ends = [{} for _ in range(N)]
    for one, other in combinations(range(N), 2):
        ends[one][other], ends[other][one] = context.Pipe()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    worlds, processes = [], []
    for row in range(N):
        here, there = context.Pipe()
        worlds.append(here)
        arguments = (spec, weights, row, ends[row], there)
        processes.append(context.Process(target=lone_agents.live, args=arguments, daemon=True))
        processes[-1].start()
    try:
        for t in range(STEPS):
            links = given.adjacency[0, t].numpy()
            for row, world in enumerate(worlds):
                own = {"observation": given.observations[0, t, row].numpy(), "action_mask": np.ones(ACTIONS, np.int8)}
                world.send((own, links))
            answers = [world.recv() if world.poll(60) else pytest.fail("an agent does not answer") for world in worlds]
            actions, logits, _ = zip(*answers, strict=True)
            assert list(actions) == expected[t].actions.flatten().tolist()
            np.testing.assert_allclose(np.stack(logits), expected[t].output.logits[0, 0].numpy(), rtol=1e-4, atol=1e-4)
    finally:
        for world in worlds:
            world.send(None)
        for process in processes:
            process.join(10)
            process.kill()


def test_only_remalis_teams_play_one_by_one():
    with pytest.raises(RemalisError, match="'ippo'"):
        Agent(TeamModel(ModelSpec("ippo", SIZE, ACTIONS, 4, {}, LAYOUT)), 0, None)
    with pytest.raises(RemalisError, match="sharing: none"):
        Agent(TeamModel(ModelSpec("remalis", SIZE, ACTIONS, 4, {}, LAYOUT, "none")), 0, None)


def test_who_goes_away_is_missed_for_its_messages_alone():
    """An outage changes the others' behaviour as far as the lost messages reach, and nobody beyond."""
    net = network(spread=0.1)
    model = TeamModel(ModelSpec("remalis", SIZE, ACTIONS, 4, {}, LAYOUT, subgoals=6, concepts=5))
    model.network.load_state_dict(net.state_dict())
    length = 2 * net.rounds + 4
    whole, cut = team(line(length, STEPS)), line(length, STEPS)
    cut[:, 2:3, 0, :] = cut[:, 2:3, :, 0] = 0.0
    with_it, without = jointly(model, whole), jointly(model, whole._replace(adjacency=cut))
    for t in range(3):
        same = torch.isclose(with_it[t].output.logits, without[t].output.logits, atol=1e-6).all(-1)[0, 0]
        assert same[net.rounds + 1 :].all(), "beyond the reach of a step nothing is noticed"
        assert same[1] == (t != 2), "a neighbour notices, and only then"
    slots = [[d.output.state["slots"][0, 1].tolist() for d in run] for run in (with_it, without)]
    assert slots[0] == slots[1], "the place that it had is kept for it"
