"""A trained team that acts, in plain torch: no Ray, no environment, any number of agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from remalis_agents.language.watching import TOKENS, texts_for
from remalis_agents.networks import TeamInputs, TeamOutput
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
        if model.network.text is None:
            # A pass over a team is too small to share: with more threads it takes ten times as long.
            torch.set_num_threads(1)
        self.model = model.eval()
        self.trained_on = dict(trained_on or {})
        self.sample = sample
        self.decided: tuple[TeamInputs, TeamOutput] | None = None
        """The last pass: what went in, and all that came out."""
        self._state: dict[str, torch.Tensor] | None = None
        self._rows: dict[str, int] = {}
        self._env: Any = None
        self._texts = texts_for(model.network.text, model.spec.action_count)

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

    def begin(self, seed: int | None = None, env: Any = None) -> None:
        """Forgets what was remembered: an episode begins.

        Args:
            seed: for what is drawn; None to draw on.
            env: the environment that is played, or a view of it; a team that reads texts has them from there.
        """
        self._env = env
        if seed is not None:
            torch.manual_seed(seed)
            self.model.network.restart_draws()
        self._state = None

    def reset(self, env: Any, seed: int) -> None:
        """Begins an episode of a parallel environment; ``seed`` is for what is drawn."""
        self.begin(seed, env)
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
            view["obs"][row] = self._fitting(own["observation"] if masked else own, spec.observation_size, agent)
            view["action_mask"][row] = (
                self._fitting(own["action_mask"], spec.action_count, f"the action mask of {agent}") if masked else 1
            )
            view["alive"][row] = 1.0
        actions = self(view).tolist()
        return {agent: actions[self._rows[agent]] for agent in observations}

    def _fitting(self, given: Any, size: int, whose: str) -> NDArray[Any]:
        """What an environment gave, where it is as long as this team has learned it."""
        own = np.asarray(given)
        if own.shape != (size,):
            env = self.trained_on.get("env", "its environment")
            raise RemalisError(
                f"{whose}: the team was trained on {env} and reads {size} numbers, not an array of shape {own.shape}. "
                "Make the environment with the options that it was trained with (team.trained_on)."
            )
        return own

    def _links(self, n: int) -> NDArray[np.int8]:
        own = getattr(self._env, "adjacency", None)
        return np.asarray(own(), np.int8) if callable(own) else 1 - np.eye(n, dtype=np.int8)

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.int64]:
        """One team observation, as :class:`remalis_envs.team.TeamEnv` gives it, to one team action ``(N,)``.

        Raises:
            RemalisError: the team reads texts, and nobody said of which environment.
        """
        if self._texts is not None and TOKENS not in observation:
            observation = {**observation, TOKENS: self._texts(self._env, observation)}
        batch = {name: torch.as_tensor(value).unsqueeze(0) for name, value in observation.items()}
        size = batch["obs"].dtype
        if self._state is None:
            start = self.model.initial_state(batch["obs"].shape[1])
            self._state = {name: value.unsqueeze(0) for name, value in start.items()}
        team = TeamInputs(
            batch["obs"],
            batch["alive"],
            batch["adjacency"].to(size),
            batch["action_mask"].to(size),
            sample=self.sample,
            tokens=None if self._texts is None else batch[TOKENS],
        )
        if self._state:  # networks with a memory take sequences
            sequence = {name: getattr(team, name).unsqueeze(1) for name in team._fields[:4]}
            tokens = None if team.tokens is None else team.tokens.unsqueeze(1)
            team = team._replace(**sequence, state=self._state, tokens=tokens)
        with torch.inference_mode():
            decision = decide(self.model, team)
        self.decided = team, decision.output
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
        frozen = _frozen(self.model)
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
    def from_pretrained(
        cls, folder: str | Path, sample: bool = False, language_model: str | Path | None = None
    ) -> Team:
        """Reads a team that :meth:`save_pretrained` wrote.

        Args:
            folder: where it is.
            sample: draw actions as in training, instead of taking the most probable.
            language_model: for a team whose body is a language model, the model's folder where it is not, or no
                longer, where the team was trained.

        Raises:
            RemalisError: the folder holds no team, or one that does not fit this version.
        """
        path = Path(folder)
        try:
            config = _described(json.loads((path / CONFIG_FILE).read_text(encoding="utf-8")), str(folder))
            spec = ModelSpec.of(config["model"])
            weights = load_file(path / WEIGHTS_FILE)
            model = TeamModel(spec if language_model is None else _reading(spec, str(language_model)))
        except RemalisError:
            raise
        except (*_DAMAGE, SafetensorError) as error:
            raise RemalisError(
                f"{str(folder)!r} is not the folder of an exported team ({CONFIG_FILE} and {WEIGHTS_FILE}): "
                f"{' '.join(str(error).split())}"
            ) from None
        _load(model, weights, str(folder))
        return cls(model, config["trained_on"], sample)


_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError)
"""What a file that is not as it was written may end in, while a network is built from it."""


def _described(config: Any, folder: str) -> dict[str, Any]:
    """What the file of a team says, of a format that this version knows."""
    if not isinstance(config, dict):
        raise RemalisError(f"{folder!r} is not the folder of an exported team: its {CONFIG_FILE} holds no mapping.")
    if isinstance(config["format"], int) and config["format"] > FORMAT:
        raise RemalisError(
            f"{folder!r} was written by remalis {config.get('remalis')}, in a format that this version does not know: "
            "install that version or a later one."
        )
    trained_on = config.get("trained_on")
    options = trained_on.get("env_config", {}) if isinstance(trained_on, dict) else None
    if not isinstance(trained_on, dict) or not isinstance(options, dict):
        raise RemalisError(
            f'The {CONFIG_FILE} in {folder!r} is damaged: trained_on must be a mapping such as {{"env": name, '
            f'"env_config": {{...}}}}, but it is {trained_on!r}.'
        )
    return config


def _reading(spec: ModelSpec, language_model: str) -> ModelSpec:
    """The same with its language model in another folder."""
    given = spec.options.get("language_model")
    if not given:
        raise RemalisError(f"This team's body (network {spec.network!r}) is no language model: leave it out.")
    return replace(spec, options={**spec.options, "language_model": {**given, "path": language_model}})


def _frozen(model: TeamModel) -> set[str]:
    """Weights that no training moves: whoever builds the model has them already."""
    return {name for name, value in model.named_parameters(remove_duplicate=False) if not value.requires_grad}


def _load(model: TeamModel, weights: Mapping[str, torch.Tensor], folder: str) -> None:
    model.network.check(weights)
    frozen = _frozen(model)
    own = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in frozen}
    given = {name: tuple(value.shape) for name, value in weights.items()}
    wrong = [name for name in (*own, *given) if own.get(name) != given.get(name)]
    if wrong:
        raise RemalisError(
            f"The weights in {folder!r} do not fit network {model.spec.network!r} as its {CONFIG_FILE} describes it: "
            f"{len(set(wrong))} tensors differ, first {wrong[0]!r}."
        )
    kinds = {name: value.is_floating_point() for name, value in model.state_dict().items()}
    odd = [name for name, value in weights.items() if value.is_floating_point() != kinds[name]]
    odd += [name for name, value in weights.items() if kinds[name] and not bool(value.isfinite().all())]
    if odd:
        raise RemalisError(
            f"The weights in {folder!r} are damaged: {len(set(odd))} tensors hold what are no finite numbers of their "
            f"kind, first {odd[0]!r}."
        )
    model.load_state_dict(dict(weights), strict=False)
