"""A network ready for a team: built from plain data, with its parameters shared as the data say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import TeamInputs, TeamOutput
from remalis_agents.networks.layers import Groups, sharing
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import accepted_options, network_class
from remalis_envs.errors import RemalisError, unknown

SHARING = ("full", "by_type", "none")
"""One set of weights for all agents; one for each type of agent; one for each agent (and so for one team size)."""


@dataclass(frozen=True)
class ModelSpec:
    """Everything that a network is built from, as plain data.

    Attributes:
        network: a registered name.
        observation_size: D.
        action_count: A.
        max_agents: N, rows of the team; only networks whose parameters depend on it and ``sharing: none`` use it.
        options: the network's own keyword arguments.
        layout: see :class:`.Layout`; None where nothing is known of the vector.
        sharing: one of :data:`SHARING`.
        subgoals: S, sub-goals in the family's vocabulary; 0 where it has none.
        concepts: V, concepts in it.
    """

    network: str
    observation_size: int
    action_count: int
    max_agents: int
    options: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, int] | None = None
    sharing: str = "full"
    subgoals: int = 0
    concepts: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, described: Any) -> ModelSpec:
        """Reads what :meth:`to_dict` gave, from a file that somebody may have changed.

        Raises:
            UnknownNameError: it has a key that is no attribute.
            RemalisError: a key is missing, or a value is not of its kind or size.
        """
        if not isinstance(described, Mapping):
            raise RemalisError(f"model must be a mapping of keys to values, but it is {described!r}.")
        for key in described:
            if key not in _KINDS:
                raise unknown("key of a model", key, _KINDS)
        for key, (kind, name) in _KINDS.items():
            value, needed = described.get(key), key in _SIZES or key == "network"
            if key not in described and not needed:
                continue
            if isinstance(value, bool) or not isinstance(value, kind):
                raise RemalisError(f"model.{key} must be {name}, but it is {value!r}.")
            if kind is int and not (key in _SIZES) <= value <= _MOST:
                raise RemalisError(f"model.{key} must be from {int(key in _SIZES)} to {_MOST:,}, but it is {value}.")
        return cls(**described)


_SIZES = ("observation_size", "action_count", "max_agents")
_MOST = 10**6
"""No team or vector has more: a size beyond it is damage, and would fill the memory."""
_WHOLE, _MAPPING = "a whole number", "a mapping"
_KINDS: dict[str, tuple[Any, str]] = {
    "network": (str, "text"),
    **dict.fromkeys((*_SIZES, "subgoals", "concepts"), (int, _WHOLE)),
    "options": (Mapping, _MAPPING),
    "layout": (Mapping | None, "a mapping or null"),
    "sharing": (str, "text"),
}


class TeamModel(nn.Module):
    """A team network with what stands around it: who shares weights with whom.

    Raises:
        UnknownNameError: no network or way of sharing has this name.
        RemalisError: sharing by type where the layout does not say what type an agent is.
        TypeError: an option that the network does not have.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        if spec.sharing not in SHARING:
            raise unknown("parameter sharing", spec.sharing, SHARING)
        self.layout = Layout.of(spec.layout, spec.action_count)
        self.groups = self._groups()
        cls = network_class(spec.network)
        accepted = accepted_options(cls)
        given: dict[str, Any] = dict(spec.options)
        for name in ("layout", "max_agents", "subgoals", "concepts"):
            if name in accepted:
                given.setdefault(name, getattr(spec, name))
        with sharing(self.groups):
            self.network = cls(spec.observation_size, spec.action_count, **given)

    def _groups(self) -> Groups | None:
        if self.spec.sharing == "full":
            return None
        if self.spec.sharing == "none":
            return Groups(self.spec.max_agents)
        if self.layout is None or self.layout.types < 0:
            raise RemalisError(
                "sharing: by_type needs to know which entries of an agent's vector are its type, but the layout of "
                "this environment does not say: give rl_module.layout with types and type_count."
            )
        return Groups(self.layout.type_count)

    @property
    def type_count(self) -> int:
        """How many types of agents there are; 1 where the layout does not say."""
        return 1 if self.layout is None or self.layout.types < 0 else self.layout.type_count

    def types(self, observations: Tensor) -> Tensor:
        """Each agent's type, ``[*, N]`` integer; 0 where the layout does not say."""
        if self.layout is None or self.layout.types < 0:
            return torch.zeros(observations.shape[:-1], dtype=torch.long, device=observations.device)
        block = observations[..., self.layout.types : self.layout.types + self.layout.type_count]
        return block.argmax(-1)

    def forward(self, team: TeamInputs) -> TeamOutput:
        self._assign(team)
        return self.network(team)

    def act(self, team: TeamInputs) -> TeamOutput:
        """See :meth:`.TeamNetwork.act`."""
        self._assign(team)
        return self.network.act(team)

    def values(self, team: TeamInputs) -> Tensor:
        """See :meth:`.TeamNetwork.values`."""
        self._assign(team)
        return self.network.values(team)

    def initial_state(self, agents: int) -> dict[str, Tensor]:
        """A team's state at the start of an episode, each ``[N, ...]``."""
        own = self.network.initial_state()
        return {name: value.expand(agents, *value.shape).clone() for name, value in own.items()}

    def _assign(self, team: TeamInputs) -> None:
        """Says which weights each agent uses."""
        if self.groups is None:
            return
        if self.spec.sharing == "by_type":
            self.groups.index = self.types(team.observations)
            return
        n = team.observations.shape[-2]
        if n > self.groups.count:
            raise RemalisError(
                f"sharing: none has weights for {self.groups.count} agents, but this team has {n}: only a network with "
                "sharing full or by_type runs on larger teams."
            )
        index = torch.arange(n, device=team.observations.device)
        self.groups.index = index.expand(team.observations.shape[:-1])


def spec_of(config: Mapping[str, Any], observation_size: int, action_count: int, max_agents: int) -> ModelSpec:
    """The specification behind an RLlib ``model_config``."""
    return ModelSpec(
        network=config.get("network") or "ippo",
        observation_size=observation_size,
        action_count=action_count,
        max_agents=max_agents,
        options=dict(config.get("options") or {}),
        layout=config.get("layout"),
        sharing=config.get("sharing") or "full",
        subgoals=int(config.get("subgoals") or 0),
        concepts=int(config.get("concepts") or 0),
    )
