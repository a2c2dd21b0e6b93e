"""Advantages: bootstraps at time limits, ends of single agents, the learner's pipeline as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from remalis_agents.rllib.gae import _pad, _unpad, team_advantages


def returns(rewards, values, terminated, last, gamma=0.9, lambda_=1.0):
    arrays = [np.asarray(a, np.float32) for a in (rewards, values, terminated)]
    return team_advantages(*arrays, np.asarray(last, bool), gamma, lambda_) + arrays[1]


@pytest.mark.parametrize("lambda_", [0.0, 0.7, 1.0])
def test_time_limit_bootstraps(lambda_):
    """V=10, gamma=0.9, r=0 at the horizon must give 9.0; RLlib's multi-agent path gives 0."""
    targets = returns([[0.0], [0.0]], [[10.0], [10.0]], [[0.0], [0.0]], [False, True], lambda_=lambda_)
    assert targets[0, 0] == pytest.approx(9.0)


def test_an_agents_own_end_stops_its_future_only():
    targets = returns([[1.0, 1.0], [0, 0]], [[10.0, 10.0]] * 2, [[0.0, 1.0], [0, 0]], [False, True])
    assert targets[0].tolist() == pytest.approx([10.0, 1.0])


def test_chunks_do_not_leak_into_each_other():
    rewards = [[0.0], [0.0], [100.0], [0.0]]
    targets = returns(rewards, [[1.0], [2.0], [3.0], [4.0]], np.zeros((4, 1)), [False, True, False, True])
    assert targets[0, 0] == pytest.approx(0.9 * 2.0)
    assert targets[2, 0] == pytest.approx(100 + 0.9 * 4.0)


def test_against_the_definition():
    rng = np.random.default_rng(0)
    steps, agents, gamma, lambda_ = 7, 3, 0.9, 0.8
    rewards, values = rng.normal(size=(steps, agents)), rng.normal(size=(steps, agents))
    terminated = np.zeros((steps, agents))
    terminated[3, 1] = 1
    last = np.zeros(steps, bool)
    last[-1] = True
    got = team_advantages(*(np.float32(a) for a in (rewards, values, terminated)), last, gamma, lambda_)
    for agent in range(agents):
        for t in range(steps - 1):
            expected, weight = 0.0, 1.0
            for k in range(t, steps - 1):
                alive = 1 - terminated[k, agent]
                expected += weight * (rewards[k, agent] + gamma * alive * values[k + 1, agent] - values[k, agent])
                weight *= gamma * lambda_ * alive
            assert got[t, agent] == pytest.approx(expected, abs=1e-5)


def test_padding_of_sequences_round_trips():
    lengths, window = [5, 3, 8], 4
    flat = np.arange(sum(lengths) * 2, dtype=np.float32).reshape(-1, 2)
    padded = _pad(flat, lengths, window)
    assert padded.shape == (2 + 1 + 2, window, 2)
    assert np.array_equal(_unpad(padded, lengths), flat)


def test_who_is_cut_off_while_the_team_goes_on_has_a_future_worth_its_last_value():
    """The first agent leaves by time after step 0: its last observation counts, its row later does not."""
    rewards, values = np.float32([[1, 1], [9, 1], [0, 0]]), np.float32([[2, 2], [5, 5], [70, 7]])
    alive, none = np.float32([[1, 1], [0, 1], [0, 1]]), np.zeros((3, 2), np.float32)
    got = team_advantages(rewards, values, none, np.array([False, False, True]), 0.9, 0.8, alive)
    assert got[0, 0] == pytest.approx(1 + 0.9 * 5 - 2)
    later = 1 + 0.9 * 7 - 5
    assert got[0, 1] == pytest.approx(1 + 0.9 * 5 - 2 + 0.9 * 0.8 * later)
