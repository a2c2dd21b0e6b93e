"""What every team network is: one forward pass over the whole team."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

BYTES_PER_FLOAT = 4
"""Of the numbers that agents send each other."""


class TeamInputs(NamedTuple):
    """What a network is given about a batch of teams of N agents with vectors of length D and A actions.

    Leading dimensions ``*`` are ``[B]``, or ``[B, T]`` where the network has a state: then time runs along T, and T is
    1 while acting.
    """

    observations: Tensor
    """``[*, N, D]`` float."""
    alive: Tensor
    """``[*, N]`` float, 1 for agents that take part."""
    adjacency: Tensor
    """``[*, N, N]`` float, 1 where row i may hear column j."""
    action_mask: Tensor
    """``[*, N, A]`` float, 1 for legal actions."""
    state: dict[str, Tensor] = {}
    """The network's state before the first step, each ``[B, N, ...]``; empty where it has none."""
    drawn: dict[str, Tensor] | None = None
    """What the forward pass drew when it acted (see :attr:`TeamOutput.drawn`), to be used again; None to draw anew."""
    sample: bool = True
    """Whether a pass that draws anew really draws, or takes what is most probable."""
    tokens: Tensor | None = None
    """``[*, N, L]`` integer, what each agent reads, for networks that have :attr:`TeamNetwork.text`: tokens plus one at
    the end of its row, 0 before them; None where nobody reads."""

    def edges(self) -> Tensor:
        """``[*, N, N]`` float, 1 where i hears j: another agent that takes part."""
        others = 1.0 - torch.eye(self.alive.shape[-1], device=self.alive.device, dtype=self.adjacency.dtype)
        return self.adjacency * others * self.alive.unsqueeze(-2)


class TeamOutput(NamedTuple):
    """What a network says about the batch."""

    logits: Tensor
    """``[*, N, A]``, before the action mask; Q-values where the network is value-based."""
    values: Tensor
    """``[*, N]``, in the learner's normalised units where values are normalised."""
    extras: dict[str, Any] = {}
    """Whatever a method's own losses and records need."""
    state: dict[str, Tensor] = {}
    """The state after the last step, named and shaped as in :class:`TeamInputs`."""
    drawn: dict[str, Tensor] = {}
    """Whatever the pass drew, each ``[*, ...]``: stored with the step, and given back when it is learnt from."""
    log_probs: Tensor | None = None
    """``[*, N]``, log-probability of what was drawn and counts as part of the agents' decision (a gate, say)."""


class Mean(NamedTuple):
    """A mean that can be carried on over batches: a sum, and over how many."""

    total: Tensor
    """Scalar."""
    weight: Tensor
    """Scalar; the mean is not known while it is 0."""

    @classmethod
    def of(cls, values: Tensor, weights: Tensor) -> Mean:
        """Of ``values`` over what ``weights`` count, both of one shape."""
        return cls((values * weights).sum(), weights.sum())

    def plus(self, other: Mean) -> Mean:
        """The mean over both."""
        return Mean(self.total + other.total, self.weight + other.weight)

    @property
    def value(self) -> Tensor:
        """Scalar; 0 where nothing counts."""
        return self.total / self.weight.clamp(min=1.0)


class Played(NamedTuple):
    """What is known of a batch after it was played: for losses and records, never for a forward pass.

    Everything is ``[*, N]``; integers where it says so, else float.
    """

    actions: Tensor
    """Chosen action, integer."""
    rewards: Tensor
    weights: Tensor
    """1 where an agent chose its action itself and the step counts; losses are means over these."""
    subgoals: Tensor
    """Index of the sub-goal that the action served, integer; -1 for none."""
    concepts: Tensor
    """Index of the true concept of what the agent looked at, integer; -1 for none."""
    misaligned: Tensor | None = None
    """Share of the agent's dependent pairs that did not fit together, as the environment recorded; -1 for no pair."""
    carried: Tensor | None = None
    """What the agent got done lately, in the family's unit; -1 where the environment does not say."""

    def mean(self, values: Tensor) -> Tensor:
        """Mean of ``[*, N]`` over what counts."""
        return Mean.of(values, self.weights).value


class Following(NamedTuple):
    """What is known of the steps after a batch when it is replayed, all without gradients."""

    team: TeamInputs
    """The inputs of the next step."""
    output: TeamOutput
    """What the network that learns says of the next step."""
    target: TeamOutput
    """What the target network says of the next step."""


class TeamNetwork(nn.Module, ABC):
    """Base of all team networks.

    Subclasses take ``(observation_size, action_count)`` and their own options as keyword arguments, ``layout`` among
    them. Parameters must not depend on the number of agents, so that one checkpoint runs on every scenario; a network
    that cannot keep to this asks for ``max_agents`` as an option, which the trainer then fills in.
    """

    value_based: ClassVar[bool] = False
    """Whether ``logits`` are Q-values, for the replay learner."""
    joint_action: ClassVar[bool] = False
    """Whether the team is one agent: one ratio for all actions together, paid for the whole team."""
    looks_back: ClassVar[bool] = False
    """Whether :meth:`costs` and :meth:`remember` want the whole pass over a batch, and not its values alone."""
    trained_by_own_losses: ClassVar[tuple[str, ...]] = ()
    """Prefixes of parameters that only :meth:`losses` trains."""
    message_floats: float = 0
    """Numbers of 32 bits that an agent sends to each neighbour in one step; 1/32 for a bit."""
    rounds: int | None = 0
    """Hops over which one step's observations can reach another agent's logits; 0 for silent networks, None where a
    centre hears and answers everybody."""

    text: dict[str, Any] | None = None
    """What an environment must be told so that it gives the network the agents' texts as tokens (``path`` of the
    language model whose tokenizer is used, ``max_tokens``); None for networks that read vectors alone."""

    @abstractmethod
    def forward(self, team: TeamInputs) -> TeamOutput:
        """One pass over the team."""

    def act(self, team: TeamInputs) -> TeamOutput:
        """A pass for acting, whose ``values`` are not looked at; override where it costs less than the whole."""
        return self(team)

    def values(self, team: TeamInputs) -> Tensor:
        """Values ``[*, N]`` alone; override where they cost less than the whole pass."""
        return self(team).values

    def initial_state(self) -> dict[str, Tensor]:
        """One agent's state at the start of an episode; empty for networks without one."""
        return {}

    def value_heads(self) -> list[nn.Linear]:
        """The last layers of the value, whose outputs are values: rescaled when the scale of returns moves."""
        return []

    def losses(self, team: TeamInputs, output: TeamOutput, played: Played) -> dict[str, Tensor]:
        """The method's own losses by name, each a scalar that already carries its coefficient."""
        return {}

    def replay_losses(
        self, team: TeamInputs, output: TeamOutput, played: Played, following: Following
    ) -> dict[str, Tensor]:
        """Own losses of a value-based network, which may look at the next step; :meth:`losses` by default."""
        return self.losses(team, output, played)

    def share_rewards(self, output: TeamOutput, rewards: Tensor) -> Tensor:
        """The rewards ``[*, N]`` that a value-based network learns from; those that were paid by default."""
        return rewards

    def resting(self, update: int) -> tuple[str, ...]:
        """Prefixes of the parameters that stand still in a replay update, where levels learn in turns."""
        return ()

    def check(self, weights: Mapping[str, Any]) -> None:
        """Refuses, with a sentence, weights that fit by their shapes but were learnt on something else."""

    def restart_draws(self) -> None:
        """Begins anew whatever the network draws with generators of its own, from the seed that torch was given."""

    def figures(self, output: TeamOutput, played: Played) -> dict[str, Mean]:
        """What else is logged of a batch or of an episode, by name; called without gradients."""
        return {}

    def costs(self, output: TeamOutput) -> Tensor | None:
        """What is taken from the agents' rewards before advantages are estimated, ``[*, N]``; None for nothing."""
        return None

    def remember(self, output: TeamOutput, played: Played) -> None:
        """Takes note of a batch, once, after it was learnt from; ``output`` is of the pass before that."""

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        """Takes note of a batch after it was learnt from; for running statistics of the inputs."""
