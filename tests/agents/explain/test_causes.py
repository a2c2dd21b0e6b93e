"""Whether messages matter: what is replaced, whom it can reach, and that nothing else is disturbed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explained_teams import partners, team_for
from torch import nn
from toys import Ring

from remalis_agents.evaluate import play
from remalis_agents.explain.causes import (
    commonest_share,
    difference,
    listen,
    overwrite,
    shuffle,
    silence,
    think_again,
)
from remalis_agents.explain.causes.heard import Other
from remalis_agents.networks.base import TeamInputs
from remalis_envs.errors import RemalisError
from remalis_envs.team import TeamEnv

SEEDS = range(1000, 1006)
OPTIONS = [
    {},
    {"communication": "basic"},
    {"communication": "selective", "gate_budget": 0.5},
    {"rounds": 2, "planning_layers": 2, "drop_rate": 0.3, "byte_budget": 500},
    {"delay": 2, "drop_rate": 0.2, "gate_budget": 0.5},
]
NAMES = ["full", "basic", "selective", "lossy", "delayed"]


@pytest.fixture(scope="module")
def trained():
    """A team that has learnt to name what its partner sees, by the right answers: quicker than by rewards."""
    env, team = partners(spread=0.0, steps=20)
    network, generator = team.model.train(), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(150):
        given, answers = lesson(network, generator)
        loss = nn.functional.cross_entropy(network(given).logits.flatten(0, -2), answers.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    return env, team


def lesson(model, generator, teams=16, steps=4):
    """Teams as the environment makes them, and the symbols that their agents should name, ``[B, T, 4]``."""
    order = torch.stack([torch.randperm(4, generator=generator) for _ in range(teams)])
    partner = torch.empty_like(order)
    partner.scatter_(1, order, order[:, [1, 0, 3, 2]])
    symbols = torch.randint(4, (teams, steps, 4), generator=generator)
    clock = torch.arange(steps).view(1, -1, 1, 1).expand(teams, steps, 4, 1) / 20 + 0.05 * torch.randint(16, (1,))
    seen = torch.cat([nn.functional.one_hot(symbols, 4).float(), clock], -1)
    links = nn.functional.one_hot(partner, 4).float().unsqueeze(1).expand(teams, steps, 4, 4)
    state = {k: v.expand(teams, *v.shape).clone() for k, v in model.initial_state(4).items()}
    given = TeamInputs(seen, torch.ones(teams, steps, 4), links, torch.ones(teams, steps, 4, 4), state)
    return given, symbols.gather(-1, partner.unsqueeze(1).expand_as(symbols))


def links(moment):
    """Receivers and senders."""
    return [(i, int(j)) for i, row in enumerate(moment.heard.sender) for j in row if j >= 0]


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_listening_disturbs_nothing(options):
    """Delays, losses, byte budget and gates are those of an episode to which nobody listens."""
    env, team = partners(**options)
    plain = [play(env, team, seed) for seed in SEEDS]
    assert [one.figures for one in listen(team, env, SEEDS, moments=3)] == plain
    if "drop_rate" in options:
        assert np.mean([one["lost_share"] for one in plain]) > 0.1


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_what_is_replaced_by_itself_changes_nothing_and_other_messages_do(options):
    env, team = partners(spread=0.1, **options)
    episodes = listen(team, env, SEEDS, moments=6)
    assert sorted({moment.step for one in episodes for moment in one.moments})[-1] > 6
    for moment in episodes[0].moments:
        everywhere = Other(moment.heard.sender >= 0, moment.heard.letters)
        assert torch.equal(think_again(team, moment), moment.probabilities)
        assert torch.equal(think_again(team, moment, everywhere), moment.probabilities)
    found = overwrite(team, episodes)
    assert len(found) > 24 and all(one.control == 0.0 for one in found)
    assert sum(one.distance > 1e-4 for one in found) > len(found) / 2
    met = {(one.seed, pair) for one in episodes for moment in one.moments for pair in links(moment)}
    for one in found:
        elsewhere = any(seed != one.seed and pair == (one.receiver, one.sender) for seed, pair in met)
        assert (one.from_seed != one.seed) == elsewhere


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_a_message_moves_nobody_whom_it_cannot_reach(options):
    """The other pair never; where messages take steps, or are one hop long, not even who sent it."""
    env, team = partners(**options)
    found = overwrite(team, listen(team, env, SEEDS, moments=6))
    one_hop = "delay" in options or "communication" in options
    assert {one.beyond for one in found} == ({3} if one_hop else {2})
    assert all(one.beyond_distance == 0.0 for one in found)


@pytest.mark.parametrize(("rounds", "hops"), [(0, 2), (1, 3), (2, 4)])
def test_it_reaches_exactly_as_far_as_the_network_has_hops(rounds, hops):
    """In a ring, k hops beyond the receiver are 2 k + 1 agents: all others stay as they were, and those all move."""
    env = TeamEnv(Ring(agents=10))
    team = team_for(env, spread=0.1, rounds=rounds, composition=False, shared_planning=False)
    assert team.model.network.rounds == hops
    (episode,) = listen(team, env, [3], moments=8)
    found = overwrite(team, [episode])
    assert [one.beyond for one in found] == [10 - (2 * hops - 1)] * 8
    assert all(one.beyond_distance == 0.0 for one in found)
    moment = episode.moments[0]
    where = torch.zeros_like(moment.heard.mutual)
    where[4, moment.heard.slot(4, 5)] = True
    noise = Other(where, [torch.randn(rows.shape) for rows in moment.heard.letters])
    moved = (think_again(team, moment, noise) != moment.probabilities).any(-1)
    assert moved.nonzero().flatten().tolist() == list(range(4 - hops + 1, 4 + hops))


def test_an_episode_with_checks_in_between_is_the_episode_without():
    """Draws of the channel, recurrent state, torch's own generator: all as if nothing had been thought through."""
    ends = []
    for checked in (False, True):
        env, team = partners(drop_rate=0.3, gate_budget=0.5, steps=20)
        episodes = listen(team, env, SEEDS, moments=1)
        heard = []

        def decide(observation, team=team, heard=heard, episodes=episodes, checked=checked):
            actions = team(observation)
            if checked:
                heard.append(overwrite(team, episodes, draw_seed=len(heard)))
            return actions

        figures = play(env, team, 77, decide)
        drawn = team.model.network.limits.draws._generator.get_state()
        ends.append((figures, team._state, drawn, torch.get_rng_state()))
        assert team.model.network.correspond is None
    assert len(heard) == 20 and all(heard)
    (figures, state, *draws), (again, state_again, *draws_again) = ends
    assert figures == again
    assert all(torch.equal(value, state_again[name]) for name, value in state.items())
    assert all(torch.equal(one, other) for one, other in zip(draws, draws_again, strict=True))


def test_a_team_that_needs_messages_is_lost_with_those_of_other_episodes(trained):
    env, team = trained
    seeds = range(2000, 2010)
    episodes = listen(team, env, seeds, moments=5)
    as_played = [one.figures for one in episodes]
    assert np.mean([one["right_share"] for one in as_played]) > 0.95
    other, silent = shuffle(team, env, episodes), silence(team, env, seeds)
    assert other.share > 0.9, "in ten episodes nearly every pair meets again"
    for figures in (other.figures, silent):
        lost = difference(figures, as_played, "team_return")
        assert lost.high < -10, "of twenty; a guess is right once in four"
        assert np.mean([one["right_share"] for one in figures]) < 0.4
    assert all(one["received_bytes"] == 0 for one in silent)
    assert [play(env, team, seed) for seed in seeds] == as_played, "afterwards the team plays as before"
    # One message says which of four symbols its sender sees; three of four others say another.
    found = overwrite(team, episodes)
    assert 0.5 < np.mean([one.changed for one in found]) < 0.95
    assert max(one.distance for one in found) > 0.9
    assert 0.25 < commonest_share(episodes) < 0.45


def test_messages_are_those_of_the_next_episode_in_which_the_two_were_linked():
    env, team = partners()
    episodes = listen(team, env, [1, 1, 1])
    assert shuffle(team, env, episodes).figures == [one.figures for one in episodes], "the same seed, the same messages"
    apart = listen(team, env, range(6))
    pairs = [one.heard[0].sender[:, 0].tolist() for one in apart]
    strangers = [apart[0], next(one for one, pair in zip(apart, pairs, strict=True) if pair != pairs[0])]
    found = shuffle(team, env, strangers)
    assert found.share == 0.0 and found.figures == [one.figures for one in strangers], "nothing to put in its place"


def test_teams_without_messages_are_refused():
    env, team = partners("ippo")
    with pytest.raises(RemalisError, match="network 'ippo', whose messages cannot be replaced"):
        listen(team, env, SEEDS)
    env, team = partners(communication="none")
    with pytest.raises(RemalisError, match="communication: none"):
        listen(team, env, SEEDS)
