"""Records what a ReMALIS team thinks and says while it plays: every pass, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remalis_agents.episode_figures import happened
from remalis_agents.explain.recording import Recording
from remalis_agents.explain.surroundings import ActionTexts, places, seconds_of_a_step
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.base import TeamOutput
from remalis_agents.networks.remalis.limits import Limits
from remalis_agents.networks.remalis.network import RemalisNetwork
from remalis_agents.networks.remalis.objectives import labelled_concepts
from remalis_agents.networks.remalis.post import Parcel
from remalis_agents.networks.remalis.thought import Thought
from remalis_envs.errors import RemalisError
from remalis_envs.team import NO_OUTCOME

if TYPE_CHECKING:
    from remalis_agents.team import Team

Frame = dict[str, NDArray[Any]]
"""One step: what a :class:`.Recording` holds of it, without the leading T."""


class Recorder:
    """Listens to a team's own passes: what is recorded is what was acted on, and nothing is computed twice.

    ::

        with Recorder(team) as recorder:
            while not over:
                actions = team(observation)
                observation, reward, terminated, truncated, info = env.step(actions)
                recorder.note(actions, info)

    Args:
        team: a trained team whose network is :class:`.RemalisNetwork`.

    Raises:
        RemalisError: the network is another, which has no intentions to record.
    """

    def __init__(self, team: Team) -> None:
        network = team.model.network
        if not isinstance(network, RemalisNetwork):
            raise RemalisError(
                f"This checkpoint holds a team of network {team.name!r}, which has no intentions, beliefs or typed "
                "messages to show: give a checkpoint of a team that was trained with run: ReMALIS."
            )
        self.network = network
        self.rows: int | None = None
        """How many rows of the team are agents, the others being padding; None for all."""
        self._output: TeamOutput | None = None
        self._frames: list[Frame] = []
        self._kinds: dict[str, int] = {}

    def __enter__(self) -> Recorder:
        self._hook = self.network.register_forward_hook(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hook.remove()

    def _listen(self, network: torch.nn.Module, given: Any, output: TeamOutput) -> None:
        self._output = output

    def note(
        self, actions: NDArray[np.int64], info: Mapping[str, Any], action_text: NDArray[np.int64] | None = None
    ) -> None:
        """Takes down a step that the team has just played.

        Args:
            actions: ``(N,)``, what the team did.
            info: what the environment's team view then said of it.
            action_text: ``(N,)``, numbers of the actions' names.

        Raises:
            RuntimeError: the team has not acted since the last note.
        """
        if self._output is None:
            raise RuntimeError("note() comes after a step: the team has not acted since the last one.")
        n = self.rows or len(actions)
        thought: Thought = self._output.extras["thought"]
        self._output = None
        frame = {**self._intentions(thought), **self._signals(thought), **self._outcomes(thought, actions, info)}
        if self.network.options.talks:
            frame |= self._messages(thought)
        self._frames.append({name: values[:n] for name, values in frame.items()})
        if action_text is not None:
            self._frames[-1]["action_text"] = action_text[:n]

    def _intentions(self, t: Thought) -> Frame:
        exists = t.subgoal_exists
        goal = mask_logits(t.intention.goal_logits, exists).softmax(-1)
        size = self.network.subgoal_count
        return {
            "exists": _plain(exists) > 0,
            "goal": _plain(goal),
            "parts": _plain(t.intention.subgoals),
            "next_subgoal": _plain(t.intention.next_subgoal),
            "plan": _plain(t.plan)[..., :size],
            "fresh_plan": _plain(t.fresh_plan),
        }

    def _signals(self, t: Thought) -> Frame:
        """E, U, R, and the gate."""
        found = {"uncertainty": _plain(t.uncertainty)}
        if self.network.error is not None:
            found["error"] = _plain(t.error)
        if self.network.trigger is not None:
            age = t.team.state["age"][0]
            found["plan_age"] = age.cpu().numpy().astype(np.int64)
            found["forced"] = self.network.trigger.forced(age).cpu().numpy()
            found["replanned"] = _plain(t.draws["replan"]) > 0
        if self.network.gate is not None:
            found["gate"], found["gate_open"] = _plain(t.gate_logits.sigmoid()), _plain(t.draws["gate"]) > 0
        return found

    def _outcomes(self, t: Thought, actions: NDArray[np.int64], info: Mapping[str, Any]) -> Frame:
        played = happened(actions, info, t.team.alive)
        alive = _plain(played.weights) > 0
        true, logits = labelled_concepts(t, played)
        seen = np.where(alive, _plain(true), NO_OUTCOME).astype(np.int64)
        believed = np.where(seen[:, None] >= 0, _plain(logits.softmax(-1)), np.nan)
        return {
            "alive": alive,
            "actions": np.asarray(actions, np.int64),
            "rewards": np.asarray(info["agent_rewards"], np.float32),
            "misaligned": np.asarray(info["misaligned"], np.float32),
            "served": _plain(played.subgoals).astype(np.int64),
            "concept_true": seen,
            "concept_believed": believed.astype(np.float32),
        }

    def _messages(self, t: Thought) -> Frame:
        links, post = t.links, t.post
        found = {
            "neighbour": np.where(_plain(links.heard) > 0, links.index[0, 0].cpu().numpy(), -1),
            "delivered": _plain(t.announced.delivered) > 0,
        }
        self._kinds |= {kind: parcel.floats for kind, parcel in post.ledger.items()}
        # Agents first, like all else; turned round when everything is put together.
        found["sent"] = np.stack([_plain(parcel.delivered) > 0 for parcel in post.ledger.values()], 1)
        if post.limits is not None:
            found |= self._limits(post.limits, post.ledger)
        if t.intention.assignment is not None:
            found["assignment"] = _plain(t.intention.assignment)
        if self.network.belief is not None:
            found["belief"] = _plain(t.belief.logits.softmax(-1))
        return found

    def _limits(self, limits: Limits, ledger: Mapping[str, Parcel]) -> Frame:
        """What was sent, and what the channel made of it."""
        posted = [limits.posted[kind] for kind in ledger]
        found = {
            "meant": np.stack([_plain(one.meant) > 0 for one in posted], 1),
            "posted": np.stack([_plain(one.floats).astype(np.int32) for one in posted], 1),
            "received": np.stack([_plain(one.received).astype(np.int32) for one in ledger.values()], 1),
        }
        if limits.lost is not None:
            found["lost"] = _plain(limits.lost) > 0
        return found

    def recording(self, places: NDArray[np.float64], **meta: Any) -> Recording:
        """All that was noted.

        Args:
            places: ``[N, 2]``; see :class:`.Recording`.
            **meta: what :attr:`.Recording.meta` is to hold besides: names of ``agents``, ``subgoals``, ``concepts``.

        Raises:
            RemalisError: nothing was noted.
        """
        if not self._frames:
            raise RemalisError("Nothing was recorded: the team has not played a step.")
        arrays: dict[str, Any] = {name: np.stack([frame[name] for frame in self._frames]) for name in self._frames[0]}
        for name in {"sent", "meant", "posted", "received"} & arrays.keys():
            arrays[name] = np.moveaxis(arrays[name], 2, 0)
        if "sent" in arrays:
            arrays["floats"] = np.array(list(self._kinds.values()), np.int64)
        confusion, options = self.network.confusion, self.network.options
        return Recording(
            meta={
                "kinds": list(self._kinds),
                "communication": options.communication,
                "replan_every": options.replan_every,
                "gate_budget": options.gate_budget,
                "delay": options.delay,
                "drop_rate": options.drop_rate,
                "byte_budget": options.byte_budget,
                **meta,
            },
            confusion_matrix=confusion.matrix.cpu().numpy().copy(),
            confusion_memory=confusion.memory.cpu().numpy().copy(),
            places=places,
            **arrays,
        )


def _plain(values: Tensor) -> NDArray[Any]:
    """The one team's one step, ``[1, 1, N, ...]`` -> ``[N, ...]``."""
    found: NDArray[Any] = values[0, 0].detach().cpu().numpy()
    return found


def record_episode(
    env: Any,
    team: Team,
    seed: int,
    steps: int | None = None,
    on_step: Callable[[int], None] | None = None,
    about: Mapping[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Recording:
    """Plays an episode from its beginning and records it.

    Where the team takes the most probable actions it is the episode that an evaluation with this seed plays.

    Args:
        env: a team view.
        team: who plays.
        seed: of the episode.
        steps: at most so many; None for the whole episode.
        on_step: called after each step with the number of steps played.
        about: what :attr:`.Recording.meta` is to hold besides, as JSON can.
        options: of the environment's ``reset``, outages say.

    Raises:
        RemalisError: the team is of another method, or the environment broke off.
    """
    team.begin(seed, env)
    recorder = Recorder(team)
    observation, info = env.reset(seed=seed, options=options)
    view = env.unwrapped
    agents = list(view.agents)
    recorder.rows = len(agents)
    where = places(view.parallel_env, agents, observation["adjacency"])
    with recorder:
        texts = ActionTexts(view.parallel_env, agents)
        over, step = False, 0
        while not over and (steps is None or step < steps):
            actions = team(observation)
            named = texts.note(actions, observation["action_mask"])
            observation, _, terminated, truncated, info = env.step(actions)
            if "infra_error" in info:
                raise RemalisError(f"The episode of seed {seed} broke off at step {step}: {info['infra_error']}")
            recorder.note(actions, info, named)
            over, step = terminated or truncated, step + 1
            if on_step is not None:
                on_step(step)
    return recorder.recording(
        where,
        agents=agents,
        subgoals=_names(view.subgoals, recorder.network.subgoal_count, "sub-goal"),
        concepts=_names(view.concepts, recorder.network.concept_count, "concept"),
        action_texts=list(texts.known),
        step_s=seconds_of_a_step(view.parallel_env),
        seed=seed,
        over=over,
        metrics={name: float(value) for name, value in view.metrics().items() if value == value},
        **dict(about or {}),
    )


def _names(vocabulary: tuple[str, ...], size: int, what: str) -> list[str]:
    """The family's words; numbered where it has none."""
    return list(vocabulary) if len(vocabulary) == size else [f"{what} {k + 1}" for k in range(size)]
