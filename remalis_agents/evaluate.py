"""Plays a trained team on episodes it has not seen."""

from __future__ import annotations

import dataclasses
import json
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from remalis_agents.configs.ranges import MOST_SEED
from remalis_agents.curriculum import REACHED, STAGES
from remalis_agents.evaluation import interval
from remalis_agents.mixtures import with_world
from remalis_agents.registration import make_team_env
from remalis_agents.runs import checkpoints
from remalis_envs.errors import RemalisError
from remalis_envs.registration import WITH_SPLITS

if TYPE_CHECKING:
    from remalis_agents.rllib.team_module import RemalisPolicy
    from remalis_agents.team import Team

POLICY_FOLDER = Path("learner_group/learner/rl_module/default_policy")
"""Of a policy in a checkpoint."""
FIRST_SEED = 1000


@dataclass(frozen=True)
class Evaluation:
    """Figures of each episode played.

    Attributes:
        env: the environment's name.
        env_config: its keyword arguments.
        seeds: one an episode.
        episodes: one mapping of figures an episode, ``team_return`` among them.
        stage: a sentence about which stage of its curriculum a team plays; empty for teams without one.
        acting_ms: wall clock that the team took to decide a step, the mean over all; of this machine, as it was.
    """

    env: str
    env_config: dict[str, Any]
    seeds: list[int]
    episodes: list[dict[str, float]]
    stage: str = ""
    acting_ms: float = 0.0

    def interval(self, figure: str) -> tuple[float, float]:
        """Mean over episodes and the half width of its 95% confidence interval."""
        found = interval(episode[figure] for episode in self.episodes)
        return found.mean, found.half_width

    def save(self, path: Path) -> None:
        """Writes everything as JSON."""
        path.write_text(json.dumps(self.__dict__, indent=2) + "\n", encoding="utf-8")


def find_checkpoint(path: str | Path) -> Path:
    """The policy's folder in a checkpoint, or in the latest checkpoint of a trial or run.

    Raises:
        CheckpointError: there is none.
    """
    from remalis_agents.rllib.team_module import CheckpointError

    root = Path(path)
    if not root.exists():
        raise CheckpointError(f"There is no checkpoint at {str(path)!r}, and no controller of this name.")
    if root.name == POLICY_FOLDER.name and (root / "module_state.pkl").exists():
        return root
    if (root / POLICY_FOLDER).exists():
        return root / POLICY_FOLDER
    whole, damaged = checkpoints(root)
    if damaged and not whole:
        raise CheckpointError(
            f"Every checkpoint in {str(path)!r} is damaged (files are missing or cut off), first {damaged[0].name}: "
            "put the files back, or train it again."
        )
    if not whole and any(root.glob("trial_*")):
        raise CheckpointError(
            f"{str(path)!r} is a run that ended before its first checkpoint: train it again, or go on with --resume."
        )
    if not whole:
        raise CheckpointError(
            f"{str(path)!r} holds no checkpoint of a team: give a run's folder or one named checkpoint_... in it."
        )
    return whole[-1] / POLICY_FOLDER


def load_policy(path: str | Path) -> RemalisPolicy:
    """Loads a trained policy, ready to act; needs neither a cluster nor the environment.

    Raises:
        CheckpointError: there is no checkpoint, or it is not one of a team policy.
    """
    from remalis_agents.rllib.quiet import hush_ray

    hush_ray()
    from remalis_agents.rllib.team_module import CheckpointError, RemalisPolicy

    folder = find_checkpoint(path)
    try:
        module = RemalisPolicy.from_checkpoint(folder.resolve())
    except RemalisError:
        raise
    except (OSError, EOFError, pickle.UnpicklingError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"The checkpoint at {str(path)!r} cannot be read: {error}") from None
    if not isinstance(module, RemalisPolicy):
        raise CheckpointError(
            f"The checkpoint at {str(path)!r} holds a {type(module).__name__}, which is not a team policy."
        )
    module.eval()
    return module


def load_team(path: str | Path, sample: bool = False) -> Team:
    """A trained team: an exported folder, or the latest checkpoint of a run.

    Args:
        path: what ``Team.save_pretrained`` wrote, or a checkpoint, trial or run folder.
        sample: draw actions as in training, instead of taking the most probable.

    Raises:
        RemalisError: there is neither.
    """
    from remalis_agents.team import CONFIG_FILE, Team

    if (Path(path) / CONFIG_FILE).exists():
        return Team.from_pretrained(path, sample)
    policy = load_policy(path)
    trained_on = dict(policy.model_config.get("trained_on") or {})
    return Team(policy.model, trained_on | _stage_reached(path), sample)


def _stage_reached(path: str | Path) -> dict[str, int]:
    """How far the team of a checkpoint came in its curriculum, where it has one and says so."""
    from remalis_agents.rllib.checkpoints import MANIFEST

    try:
        manifest = json.loads((find_checkpoint(path).resolve().parents[3] / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, IndexError):  # a policy's folder alone
        return {}
    return {REACHED: manifest[REACHED]} if REACHED in manifest else {}


def stage_played(trained_on: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """A sentence about the stage of a curriculum that is played; empty where a team was trained without one.

    Args:
        trained_on: what the team was trained on.
        options: those of the environment that it plays.
    """
    stages = trained_on.get(STAGES)
    if not stages:
        return ""
    number = trained_on.get(REACHED)
    reached = f" and reached {stages[number - 1]} ({number} of {len(stages)})" if number else ""
    own = trained_on.get("env_config", {})
    text = f"The team was trained in stages {' > '.join(stages)}{reached}."
    if any(options.get(key) != own.get(key) for key in {**options, **own} if key != "split"):
        return text
    return f"{text} The last, {stages[-1]}, is played; --level or --set choose another."


def check_fits(team: Team, env: Any, name: str) -> None:
    """One sentence where a team was trained for agents that see or do something else.

    Raises:
        CheckpointError: the agents' vectors or actions are of another size, or there are more agents than weights.
    """
    from remalis_agents.rllib.team_module import CheckpointError

    spec, trained = team.spec, team.trained_on.get("env", "another environment")
    agents, size = env.observation_space["obs"].shape
    needed = int(env.action_space.nvec[0])
    if (spec.observation_size, spec.action_count) != (size, needed):
        raise CheckpointError(
            f"This checkpoint (network {team.name!r}, trained on {trained}) is for agents with vectors of length "
            f"{spec.observation_size} and {spec.action_count} actions, but those of {name} have length {size} and "
            f"{needed} actions."
        )
    if spec.sharing == "none" and agents > spec.max_agents:
        raise CheckpointError(
            f"This checkpoint has weights for each of {spec.max_agents} agents (sharing: none), but {name} has "
            f"{agents} agents."
        )


def evaluate(
    checkpoint: str | Path,
    *,
    env: str | None = None,
    env_config: Mapping[str, Any] | None = None,
    episodes: int = 10,
    first_seed: int = FIRST_SEED,
    sample: bool = False,
    on_begin: Callable[[Evaluation], None] | None = None,
    on_episode: Callable[[int, dict[str, float]], None] | None = None,
) -> Evaluation:
    """Plays episodes with a trained team.

    Args:
        checkpoint: a checkpoint, trial or run folder.
        env: an environment's name; what the checkpoint was trained on by default.
        env_config: changes to the keyword arguments it was trained with. The suite's own environments play their
            test split unless this names another.
        episodes: how many.
        first_seed: seed of the first episode; each next one is one higher.
        sample: draw actions as in training.
        on_begin: called before the first episode with what is about to be played; it has no episodes yet.
        on_episode: called after each episode with its number and figures.

    Raises:
        RemalisError: there is no such team or environment, one does not fit the other, or the seed is none.
    """
    if not 0 <= first_seed <= MOST_SEED:
        raise RemalisError(f"The first episode's seed is a whole number from 0 to {MOST_SEED}, not {first_seed}.")
    actor = load_team(checkpoint, sample)
    trained = actor.trained_on
    name = env or trained.get("env")
    if name is None:
        raise RemalisError("This checkpoint does not say what it was trained on: name the environment with --env.")
    options = dict(trained.get("env_config", {})) if name == trained.get("env") else {}
    if name in WITH_SPLITS:
        options["split"] = "test"
    options = with_world(options, env_config or {})
    try:
        team = make_team_env(name, options)
    except (TypeError, ValueError) as error:
        if isinstance(error, RemalisError):
            raise
        raise RemalisError(f"{name} cannot be made with {options}: {error}") from None
    clock = _Clock(actor)
    try:
        check_fits(actor, team, name)
        stage = stage_played(trained, options) if name == trained.get("env") else ""
        result = Evaluation(name, options, [first_seed + i for i in range(episodes)], [], stage)
        if on_begin is not None:
            on_begin(result)
        for i, seed in enumerate(result.seeds):
            result.episodes.append(play(team, actor, seed, clock))
            if on_episode is not None:
                on_episode(i, result.episodes[-1])
    finally:
        team.close()
    return dataclasses.replace(result, acting_ms=clock.mean_ms())


class _Clock:
    """Decides as a team does, and takes the time."""

    def __init__(self, actor: Team) -> None:
        self._actor, self._spent_s, self._steps = actor, 0.0, 0

    def __call__(self, observation: Mapping[str, Any]) -> Any:
        begun = time.perf_counter()
        actions = self._actor(observation)
        self._spent_s += time.perf_counter() - begun
        self._steps += 1
        return actions

    def mean_ms(self) -> float:
        return 1e3 * self._spent_s / max(self._steps, 1)


def play(team: Any, actor: Team, seed: int, decide: Callable[..., Any] | None = None) -> dict[str, float]:
    """One episode: its ``team_return``, what the network says of its passes, and the environment's own figures."""
    from remalis_agents.episode_figures import EpisodeFigures

    actor.begin(seed, team)
    own, decide = EpisodeFigures(actor), decide or actor
    observation, _ = team.reset(seed=seed)
    total, over, info = 0.0, False, {}
    while not over:
        actions = decide(observation)
        observation, reward, terminated, truncated, info = team.step(actions)
        own.note(actions, info)
        total += reward
        over = terminated or truncated
    if "infra_error" in info:
        raise RemalisError(f"The episode of seed {seed} broke off: {info['infra_error']}")
    figures = {k: float(v) for k, v in info.get("metrics", {}).items() if isinstance(v, int | float | np.number)}
    return {"team_return": total, **own.means(), **figures}
