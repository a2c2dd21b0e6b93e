"""Every controller through one interface: legal, repeatable, and from observations alone."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import remalis_envs
from remalis_agents.controllers import CONTROLLERS, Junctions, make_controller
from remalis_envs.errors import RemalisError, UnknownNameError
from remalis_envs.traffic.env import TrafficEnv
from remalis_envs.traffic.observations import LAYOUT, PHASE_FEATURES

CHOOSING = [name for name, kind in CONTROLLERS.items() if not kind.own_program]


def play(env: Any, controller: Any, seed: int, decisions: int = 60) -> list[dict[str, int]]:
    observations, _ = env.reset(seed=seed)
    controller.reset(env, seed)
    taken = []
    for _ in range(decisions):
        taken.append(controller.act(observations))
        observations, *_ = env.step(taken[-1])
    return taken


@pytest.mark.parametrize("name", CHOOSING)
def test_actions_are_legal_and_the_same_again(easy: TrafficEnv, name: str) -> None:
    controller = make_controller(name)
    first = play(easy, controller, 3)  # strict: a masked action would be an error
    assert any(len(set(actions.values())) > 1 for actions in first)
    assert play(easy, controller, 3) == first, "an episode leaves something behind in the controller"


def test_random_draws_from_its_seed(easy: TrafficEnv) -> None:
    controller = make_controller("random")
    easy.reset(seed=0)
    observations, *_ = easy.step(dict.fromkeys(easy.agents, 0))  # the shortest green is over
    drawn = []
    for seed in (1, 1, 2):
        controller.reset(easy, seed)
        drawn.append([controller.act(observations) for _ in range(5)])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("name", [name for name, kind in CONTROLLERS.items() if kind.own_program])
def test_programs_fit_every_signal(easy: TrafficEnv, name: str) -> None:
    controller = make_controller(name)
    programs = controller.programs(easy.config.scenario)  # type: ignore[attr-defined]
    assert sorted(programs) == sorted(easy.possible_agents)
    for inter in easy.network.intersections:
        shown = [phase.state for phase in programs[inter.id].phases]
        for move in inter.movements:
            assert any(state[link] in "Gg" for state in shown for link in move.links), f"{move.name} never goes"


def test_best_keeps_the_current_phase_among_equals(easy: TrafficEnv) -> None:
    observations, _ = easy.reset(seed=0)
    for own in observations.values():
        own["action_mask"][:] = np.arange(len(own["action_mask"])) < 4
        LAYOUT.phase_features(own["observation"])[:, PHASE_FEATURES.index("is_current")] = np.eye(32)[2]
    seen = Junctions(observations)
    scores = np.zeros(seen.legal.shape)
    assert (seen.best(scores) == 2).all()
    scores[:, 1] = 0.4
    assert (seen.best(scores) == 1).all()
    assert (seen.best(scores, margin=0.5) == 2).all()
    scores[:, 9] = 5.0
    assert (seen.best(scores) == 1).all(), "phase 9 is masked"
    for own in observations.values():
        own["action_mask"][2] = 0
    assert (Junctions(observations).best(scores, margin=0.5) == 1).all(), "the current phase has to go"


def test_junctions_give_vehicles_back(easy: TrafficEnv) -> None:
    observations, _ = easy.reset(seed=1)
    for _ in range(60):
        observations, *_ = easy.step(make_controller("greedy").act(observations))
    truth = easy._backend.last.truth  # type: ignore[union-attr]
    seen = Junctions(observations)
    np.testing.assert_allclose(seen.arm("vehicles").reshape(-1), truth.arm_vehicles, atol=1e-4)
    assert truth.arm_vehicles.sum() > 10


def test_unknown_names_and_options_say_what_is_right() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'max_pressure'"):
        make_controller("max_presure")
    with pytest.raises(RemalisError, match="theta"):
        make_controller("greedy", theta=1)
    with pytest.raises(UnknownNameError, match="halting"):
        make_controller("max_pressure", measure="halted")


def test_controllers_need_neither_torch_nor_ray() -> None:
    code = (
        "import remalis_agents.controllers, remalis_agents.evaluation, sys; print({'torch', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_controller_of_programs_makes_its_environment() -> None:
    make = partial(remalis_envs.traffic_v0, level="easy", horizon_s=120.0)
    env = make(**make_controller("actuated").env_options())
    assert {program.kind for program in env.config.control.values()} == {"actuated"}
