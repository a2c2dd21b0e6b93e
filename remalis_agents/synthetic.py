"""Teams without an environment: networks built for traffic, and inputs shaped like it, to weigh and to time them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from math import ceil, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks import TeamInputs
from remalis_agents.networks.acting import decide
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.model import ModelSpec, TeamModel

PHASES, ARMS = 8, 4
"""Phases that an intersection of ours has, of the 32 that an agent's vector has room for, and its arms, of 6."""


def traffic_spec(network: str, options: Mapping[str, Any] | None = None, agents: int = 9) -> ModelSpec:
    """What a network is built from for the traffic family."""
    from remalis_envs.traffic.network.model import MAX_PHASES
    from remalis_envs.traffic.observations import LAYOUT, OBSERVATION_SIZE
    from remalis_envs.traffic.vocabulary import CONCEPTS, SUBGOALS

    layout = Layout.of(LAYOUT, MAX_PHASES)
    assert layout is not None
    return ModelSpec(
        network,
        OBSERVATION_SIZE,
        MAX_PHASES,
        agents,
        dict(options or {}),
        layout.to_dict(),
        subgoals=len(SUBGOALS),
        concepts=len(CONCEPTS),
    )


def unfitted(spec: ModelSpec) -> TeamModel:
    """A network in evaluation mode whose weights are any small numbers: as large and as fast as one that is trained.

    Orthogonal weights of tens of millions take a minute to make.
    """
    if spec.options.get("language_model"):  # whose weights are read from files in any case
        return TeamModel(spec).eval()
    with torch.device("meta"):
        model = TeamModel(spec)
    model.to_empty(device="cpu")
    for weights in model.parameters():
        nn.init.normal_(weights, std=0.02)
    for name, values in model.named_buffers():
        values.fill_(1.0 if name.endswith("std") else 0.0)
    return model.eval()


def road_grid(agents: int) -> Tensor:
    """``[N, N]`` float, 1 between neighbours on a grid of streets as square as ``agents`` allow."""
    side = ceil(sqrt(agents))
    row, column = torch.arange(agents) // side, torch.arange(agents) % side
    apart = (row.view(-1, 1) - row).abs() + (column.view(-1, 1) - column).abs()
    return (apart == 1).float()


def team_inputs(
    model: TeamModel, agents: int, batch: int = 1, steps: int = 1, options: int = PHASES, seed: int = 0
) -> TeamInputs:
    """Random inputs of teams on a road grid, at the start of an episode.

    Args:
        model: whose inputs these are; its specification says how an agent's vector is laid out.
        agents: N.
        batch: B.
        steps: T. A network without a state gets ``[B T, N, ...]``.
        options: actions that an agent has; what else its vector has room for is empty.
        seed: of the numbers.
    """
    spec, layout = model.spec, model.layout
    generator = torch.Generator().manual_seed(seed)
    seen = torch.rand(batch, steps, agents, spec.observation_size, generator=generator)
    legal = torch.ones(batch, steps, agents, spec.action_count)
    if layout is not None:
        rows = seen[..., layout.start : layout.stop].unflatten(-1, (layout.count, layout.features))
        _fill(rows, options if layout.exists >= 0 else layout.count, layout.exists)
        legal[..., options if layout.exists >= 0 else layout.count :] = 0.0
        if layout.entity_start >= 0:
            size = layout.entity_count * layout.entity_features
            rows = seen[..., layout.entity_start : layout.entity_start + size].unflatten(-1, (layout.entity_count, -1))
            _fill(rows, ARMS if layout.entity_exists >= 0 else layout.entity_count, layout.entity_exists)
        if layout.types >= 0:
            types = seen[..., layout.types : layout.types + layout.type_count]
            types.zero_()
            types[..., min(ARMS, layout.type_count - 1)] = 1.0
    links = road_grid(agents).expand(batch, steps, agents, agents).contiguous()
    team = TeamInputs(seen, torch.ones(batch, steps, agents), links, legal)
    start = model.initial_state(agents)
    state = {name: value.expand(batch, *value.shape).clone() for name, value in start.items()}
    if model.network.text is not None:
        lengths = (batch, steps, agents, model.network.text["max_tokens"])
        # The first words of a vocabulary are in every one.
        team = team._replace(tokens=torch.randint(1, 100, lengths, generator=generator))
    if state:
        return team._replace(state=state)
    return team._replace(**{name: getattr(team, name).flatten(0, 1) for name in team._fields[:4]})


def _fill(rows: Tensor, count: int, flag: int) -> None:
    """Leaves ``count`` rows of a block, each with its flag of existence; the rest is empty."""
    rows[..., count:, :] = 0.0
    if flag >= 0:
        rows[..., :count, flag] = 1.0


class Walk:
    """A team that acts step after step, on one core, from its own state and on new observations each time.

    Args:
        model: the team's, in evaluation mode.
        agents: N.
        options: see :func:`team_inputs`.

    Attributes:
        edges: directed, between neighbours.
    """

    def __init__(self, model: TeamModel, agents: int, options: int = PHASES) -> None:
        self._model = model
        self._views = cycle([team_inputs(model, agents, options=options, seed=seed) for seed in range(4)])
        first = next(self._views)
        self._state, self.edges = first.state, int(first.adjacency.sum())

    def step(self) -> float:
        """Milliseconds of one joint step, in CPU time: other load on the machine hardly disturbs it."""
        # An environment gives its links anew at each step, though they are the same.
        view = next(self._views)
        team = view._replace(state=self._state, adjacency=view.adjacency.clone())
        begun = time.thread_time()
        with torch.inference_mode():
            self._state = decide(self._model, team).output.state
        return 1e3 * (time.thread_time() - begun)


@contextmanager
def one_core() -> Iterator[None]:
    """PyTorch works in the calling thread alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
