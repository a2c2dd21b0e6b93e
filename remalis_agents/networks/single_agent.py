"""One agent that controls all: one policy sees the whole team and chooses all actions, with no more parameters.

The centralised policy with factored actions of Gupta et al., "Cooperative Multi-Agent Control Using Deep
Reinforcement Learning", 2017, AAMAS workshops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.layers import linear, mlp, sharing
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import accepted_options, network_class, register_network
from remalis_envs.errors import RemalisError

NAME = "single_agent"
CODES = (16, 8, 4, 2, 1)
"""Numbers in which a row may be summed up, the preferred first."""
ROOMY = 32
"""Units of the team's vector below which rows are rather summed up in fewer numbers."""
TOLERANCE = 0.05
"""Share of the reference's parameters by which the single agent's may differ."""


def parameter_count(module: nn.Module) -> int:
    """How many numbers a module's parameters are."""
    return sum(parameter.numel() for parameter in module.parameters())


class Rows(nn.Module):
    """Sums up each row in a few numbers and puts them side by side, in the order of the agents.

    Shapes:
        context ``[*, n, C]``, alive ``[*, n]`` -> ``[*, N code]``, 0 for the dead and for places without an agent.
    """

    def __init__(self, context: int, hidden: int, code: int, agents: int) -> None:
        super().__init__()
        self.agents = agents
        self.read = nn.Sequential(mlp([context, hidden]), linear(hidden, code))

    def forward(self, context: Tensor, alive: Tensor) -> Tensor:
        count = alive.shape[-1]
        if count > self.agents:
            raise RemalisError(
                f"This single agent has places for {self.agents} agents, but the team has {count}: train one with "
                f"max_agents={count}."
            )
        codes = self.read(context) * alive.unsqueeze(-1)
        return nn.functional.pad(codes, (0, 0, 0, self.agents - count)).flatten(-2)


class Mind(nn.Module):
    """Everything that the single agent learns; its number of parameters is a straight line in ``width``."""

    def __init__(
        self, reader: AgentReader, action_count: int, agents: int, row: int, option_hidden: int, code: int, width: int
    ) -> None:
        super().__init__()
        self.agents = agents
        self.policy_rows = Rows(reader.size, row, code, agents)
        self.team = mlp([agents * code, width, agents * code])
        self.head = ActionHead(code, action_count, reader.option_features, option_hidden)
        self.value_rows = Rows(reader.size, row, code, agents)
        self.value = ValueHead(agents * code, [width])

    def logits(self, options: Tensor | None, context: Tensor, alive: Tensor) -> Tensor:
        """``[*, n, A]``."""
        rows = self.team(self.policy_rows(context, alive)).unflatten(-1, (self.agents, -1))
        return self.head(options, rows[..., : alive.shape[-1], :])

    def values(self, context: Tensor, alive: Tensor) -> Tensor:
        """``[*, n]``, the team's one value at each place."""
        return self.value(self.value_rows(context, alive)).unsqueeze(-1).expand_as(alive)


def fit(build: Callable[[int, int], nn.Module], wanted: int) -> tuple[int, int]:
    """The numbers a row and the width of the team's vector that come closest to a number of parameters.

    Args:
        build: makes the parts from both; its number of parameters is a straight line in the width.
        wanted: number of parameters.

    Raises:
        RemalisError: nothing comes within :data:`TOLERANCE`.
    """
    count = 0
    for code in CODES:
        one, two = (parameter_count(build(code, width)) for width in (1, 2))
        width = max(1, 1 + round((wanted - one) / (two - one)))
        count = one + (width - 1) * (two - one)
        if width >= ROOMY:
            break
    if abs(count - wanted) > TOLERANCE * wanted:
        raise RemalisError(
            f"A single agent for this team has at least {count} parameters, but the network to match has {wanted}: "
            "match a larger network, or give a smaller row."
        )
    return code, width


@register_network(NAME)
class SingleAgentNetwork(TeamNetwork):
    """Rows summed up in a few numbers stand side by side; one vector is made of them, and all actions of that.

    To the learner it is one agent: one ratio for all actions together, one value, the team's reward. An agent is a
    place in a row, so a trained one has ``max_agents`` places and knows an agent by its place. The team's vector is
    as wide as makes the number of parameters that of another network. All rows are read, and their options scored, by
    the same weights, or nothing would be left for the team's vector beyond a few agents.

    Args:
        observation_size: D.
        action_count: A.
        max_agents: places; a smaller team leaves the last ones empty.
        match: the registered network whose number of parameters is met, with its own defaults and one set of weights.
        row: width of the layer that reads a row.
        option_hidden: width of the option scorer.
        layout: see :class:`.Layout`.
        subgoals, concepts: sizes of the family's vocabularies, for a matched network that uses them.

    Attributes:
        code: numbers in which a row is summed up.
        width: units of the team's vector.

    Raises:
        RemalisError: the number of parameters cannot be met.
    """

    joint_action = True
    rounds = None

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        max_agents: int,
        match: str = "ippo",
        row: int = 64,
        option_hidden: int = 64,
        layout: Layout | Mapping[str, Any] | None = None,
        subgoals: int = 0,
        concepts: int = 0,
    ) -> None:
        super().__init__()
        if match == NAME:
            raise RemalisError(f"match: {NAME} would match itself: name the network beside which it is to stand.")
        self.reader = AgentReader(observation_size, action_count, layout)

        def build(code: int, width: int) -> Mind:
            return Mind(self.reader, action_count, max_agents, row, option_hidden, code, width)

        with sharing(None):
            with torch.random.fork_rng(devices=[]):  # what is only measured must not move the seed of what is kept
                other, given = network_class(match), {"layout": layout, "subgoals": subgoals, "concepts": concepts}
                taken = {name: value for name, value in given.items() if name in accepted_options(other)}
                wanted = parameter_count(other(observation_size, action_count, **taken))
                self.code, self.width = fit(build, wanted)
            self.mind = build(self.code, self.width)

    def forward(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        return TeamOutput(self.mind.logits(options, context, team.alive), self.mind.values(context, team.alive))

    def act(self, team: TeamInputs) -> TeamOutput:
        options, context = self.reader(team.observations)
        return TeamOutput(self.mind.logits(options, context, team.alive), team.alive)

    def values(self, team: TeamInputs) -> Tensor:
        return self.mind.values(self.reader(team.observations)[1], team.alive)

    def value_heads(self) -> list[nn.Linear]:
        return self.mind.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
