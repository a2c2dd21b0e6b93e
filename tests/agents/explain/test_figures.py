"""Figures of a recording, against what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from remalis_agents.explain import Recording
from remalis_agents.explain.figures import (
    beliefs,
    by_teammate,
    came_true,
    clearest,
    concepts_met,
    moving_mean,
    over_all,
)

# Two agents who hear each other in one slot, two steps more than they have sub-goals: three.
SERVED = np.array([[0, 1], [0, 1], [2, -1], [0, 1], [1, 2]])


def likely(indices, size=3):
    """Distributions whose likeliest entries are ``indices``."""
    return np.where(np.eye(size)[np.asarray(indices)] > 0, 0.8, 0.2 / (size - 1)).astype(np.float32)


def made_up(**changes):
    steps, n = SERVED.shape
    share = np.full((steps, n, 3), 1 / 3, np.float32)
    given = {
        "meta": {"agents": ["a", "b"], "kinds": ["goal"], "communication": "basic"},
        "alive": np.ones((steps, n), bool),
        "actions": np.zeros((steps, n), np.int64),
        "rewards": np.zeros((steps, n), np.float32),
        "served": SERVED,
        "exists": np.ones((steps, n, 3), bool),
        **dict.fromkeys(("goal", "parts", "next_subgoal", "fresh_plan"), share),
        "plan": likely([[0, 1], [0, 0], [0, 0], [0, 1], [0, 2]]),
        "uncertainty": np.zeros((steps, n), np.float32),
        "misaligned": np.full((steps, n), -1.0, np.float32),
        "concept_believed": np.full((steps, n, 2), np.nan, np.float32),
        "concept_true": np.full((steps, n), -1),
        "confusion_matrix": np.zeros((2, 2), np.float32),
        "confusion_memory": np.zeros((2, 2), np.float32),
        "places": np.zeros((n, 2)),
        "neighbour": np.tile([[1], [0]], (steps, 1, 1)),
        "delivered": np.ones((steps, n, 1), bool),
        # a believes 1 of b throughout, b believes 0 of a.
        "belief": likely(np.tile([[1], [0]], (steps, 1, 1))),
        "sent": np.ones((1, steps, n, 1), bool),
        "floats": np.array([16]),
    }
    return Recording(**{**given, **changes})


def test_beliefs_are_right_where_the_neighbour_then_served_what_was_thought():
    found = beliefs(made_up())
    assert found.counted[:, :, 0].tolist() == [[True, True], [True, True], [False, True], [True, True], [True, True]]
    assert found.right[:, :, 0].tolist() == [[True, True], [True, True], [False, False], [True, True], [False, False]]
    assert found.share(found.right) == pytest.approx(6 / 9)
    assert found.share(found.right, (0, 2)) == pytest.approx([3 / 4, 3 / 5])
    assert by_teammate(made_up(), found) == pytest.approx([3 / 5, 3 / 4]), "a is read by b, and b by a"


def test_what_beliefs_are_compared_with():
    exists = np.ones((5, 2, 3), bool)
    exists[:, 1, 2] = False
    found = beliefs(made_up(exists=exists))
    assert found.share(found.chance, (0, 2)) == pytest.approx([1 / 2, 1 / 3])
    assert found.share(found.commonest) == pytest.approx(6 / 9), "1 is what b serves most, and 0 what a does"


def test_who_was_not_heard_was_not_believed_anything_of():
    delivered = np.ones((5, 2, 1), bool)
    delivered[3:, 0] = False
    alive = np.ones((5, 2), bool)
    alive[0, 1] = False
    found = beliefs(made_up(delivered=delivered, alive=alive))
    assert found.counted[:, :, 0].tolist() == [
        [False, False],
        [True, True],
        [False, True],
        [False, True],
        [False, True],
    ]


def test_plans_come_true_where_something_was_served():
    recording = made_up()
    assert came_true(recording, "plan") == pytest.approx([3 / 5, 3 / 4])
    assert over_all(recording, "plan") == pytest.approx(6 / 9)
    assert clearest(recording) == "plan"
    assert clearest(made_up(next_subgoal=likely(np.maximum(SERVED, 0)))) == "next_subgoal"


def test_concepts_are_counted_where_the_truth_is_known():
    true = np.array([[0, 1], [0, -1], [-1, -1], [1, 1], [0, 0]])
    taken = likely([[0, 0], [1, 0], [0, 0], [1, 1], [0, 0]], 2)
    taken[true < 0] = np.nan
    assert concepts_met(made_up(concept_true=true, concept_believed=taken)).tolist() == [[3, 1], [1, 2]]
    assert concepts_met(made_up()).sum() == 0


def test_a_moving_mean_weighs_steps_by_what_they_count():
    values, weights = np.array([1.0, 0.0, np.nan, 0.5]), np.array([1.0, 3.0, 0.0, 1.0])
    assert moving_mean(values, weights, 2) == pytest.approx([1.0, 0.25, 0.0, 0.5])
    assert np.isnan(moving_mean(values, np.zeros(4), 2)).all()
