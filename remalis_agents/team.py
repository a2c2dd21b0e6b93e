"""A trained team that acts, in plain torch: no Ray, no environment, any number of agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from remalis_agents.networks import TeamInputs
from remalis_agents.networks.acting import decide
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_envs.errors import RemalisError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = 1
"""Of exported folders; a change that old code cannot read counts it up."""


class Team:
    """A trained team as something that plays: it has what a controller has, ``reset`` and ``act``.

    ::

        team = Team.from_pretrained("my_team")
        env = remalis_envs.traffic_v0(level="easy")
        observations, infos = env.reset(seed=0)
        team.reset(env, seed=0)
        while env.agents:
            observations, rewards, terminations, truncations, infos = env.step(team.act(observations))

    Args:
        model: the network, with its weights.
        trained_on: ``{"env": name, "env_config": {...}}``, what it was trained on, as far as known.
        sample: draw actions as in training, instead of taking the most probable.
    """

    own_program = False

    def __init__(self, model: TeamModel, trained_on: Mapping[str, Any] | None = None, sample: bool = False) -> None:
        # A pass over a team is too small to share: with more threads it takes ten times as long.
        torch.set_num_threads(1)
        self.model = model.eval()
        self.trained_on = dict(trained_on or {})
        self.sample = sample
        self._state: dict[str, torch.Tensor] | None = None
        self._rows: dict[str, int] = {}

    def __repr__(self) -> str:
        env = self.trained_on.get("env", "an unknown environment")
        return f"Team({self.name}, {self.spec.action_count} actions, trained on {env})"

    @property
    def spec(self) -> ModelSpec:
        """What the network is built from."""
        return self.model.spec

    @property
    def name(self) -> str:
        """The network's registered name."""
        return self.spec.network

    def env_options(self) -> dict[str, Any]:
        """Nothing that an environment must be made with, as controllers have."""
        return {}

    def begin(self) -> None:
        """Forgets what was remembered: an episode begins."""
        self._state = None

    def reset(self, env: Any, seed: int) -> None:
        """Begins an episode of a parallel environment; ``seed`` is for what is drawn."""
        self.begin()
        torch.manual_seed(seed)
        self.model.network.restart_draws()
        self._env = env
        self._rows = {agent: row for row, agent in enumerate(env.possible_agents)}

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        """Actions of all agents in ``observations``, as a parallel environment gives them."""
        if not self._rows:
            raise RemalisError("act() needs an episode: call reset(env, seed) after env.reset(...).")
        n, spec = len(self._rows), self.spec
        view: dict[str, NDArray[Any]] = {
            "obs": np.zeros((n, spec.observation_size), np.float32),
            "alive": np.zeros(n, np.float32),
            "action_mask": np.zeros((n, spec.action_count), np.int8),
            "adjacency": self._links(n),
        }
        view["action_mask"][:, 0] = 1
        for agent, own in observations.items():
            row, masked = self._rows[agent], isinstance(own, Mapping)
            view["obs"][row] = own["observation"] if masked else own
            view["action_mask"][row] = own["action_mask"] if masked else 1
            view["alive"][row] = 1.0
        actions = self(view).tolist()
        return {agent: actions[self._rows[agent]] for agent in observations}

    def _links(self, n: int) -> NDArray[np.int8]:
        own = getattr(self._env, "adjacency", None)
        return np.asarray(own(), np.int8) if callable(own) else 1 - np.eye(n, dtype=np.int8)

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.int64]:
        """One team observation, as :class:`remalis_envs.team.TeamEnv` gives it, to one team action ``(N,)``."""
        batch = {name: torch.as_tensor(value).unsqueeze(0) for name, value in observation.items()}
        size = batch["obs"].dtype
        if self._state is None:
            start = self.model.initial_state(batch["obs"].shape[1])
            self._state = {name: value.unsqueeze(0) for name, value in start.items()}
        team = TeamInputs(
            batch["obs"], batch["alive"], batch["adjacency"].to(size), batch["action_mask"].to(size), sample=self.sample
        )
        if self._state:  # networks with a memory take sequences
            sequence = {name: getattr(team, name).unsqueeze(1) for name in team._fields[:4]}
            team = team._replace(**sequence, state=self._state)
        with torch.no_grad():
            decision = decide(self.model, team)
        actions = decision.actions[:, 0] if self._state else decision.actions
        self._state = decision.output.state or self._state
        return actions[0].numpy()

    def save_pretrained(self, folder: str | Path) -> Path:
        """Writes the team to a folder: ``config.json`` and ``model.safetensors``.

        Raises:
            RemalisError: the folder cannot be written.
        """
        path = Path(folder)
        config = {
            "format": FORMAT,
            "remalis": metadata.version("remalis"),
            "model": self.spec.to_dict(),
            "trained_on": self.trained_on,
        }
        frozen = {name for name, value in self.model.named_parameters() if not value.requires_grad}
        weights = {name: value.contiguous() for name, value in self.model.state_dict().items() if name not in frozen}
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            save_file(weights, path / WEIGHTS_FILE)
            # The library writes it for its owner alone; whoever may read the one file may read the other.
            (path / WEIGHTS_FILE).chmod((path / CONFIG_FILE).stat().st_mode)
        except OSError as error:
            raise RemalisError(f"The team cannot be written to {str(folder)!r}: {error.strerror or error}.") from None
        return path

    @classmethod
    def from_pretrained(cls, folder: str | Path, sample: bool = False) -> Team:
        """Reads a team that :meth:`save_pretrained` wrote.

        Raises:
            RemalisError: the folder holds no team, or one that does not fit this version.
        """
        path = Path(folder)
        try:
            config = json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))
            if config["format"] > FORMAT:
                raise RemalisError(
                    f"{str(folder)!r} was written by remalis {config['remalis']}, in a format that this version does "
                    "not know: install that version or a later one."
                )
            model = TeamModel(ModelSpec(**config["model"]))
            weights = load_file(path / WEIGHTS_FILE)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RemalisError(
                f"{str(folder)!r} is not the folder of an exported team ({CONFIG_FILE} and {WEIGHTS_FILE}): {error}"
            ) from None
        _load(model, weights, str(folder))
        return cls(model, config["trained_on"], sample)


def _load(model: TeamModel, weights: Mapping[str, torch.Tensor], folder: str) -> None:
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    own = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in frozen}
    given = {name: tuple(value.shape) for name, value in weights.items()}
    wrong = [name for name in (*own, *given) if own.get(name) != given.get(name)]
    if wrong:
        raise RemalisError(
            f"The weights in {folder!r} do not fit network {model.spec.network!r} as its {CONFIG_FILE} describes it: "
            f"{len(set(wrong))} tensors differ, first {wrong[0]!r}."
        )
    model.load_state_dict(dict(weights), strict=False)
