"""Films of a team at work: plays an episode and writes what there was to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from remalis_agents.film_files import FilmError, film_writer
from remalis_envs.team import fault_of
from remalis_envs.traffic.render import Recorder, Renderer, Scene, blend

if TYPE_CHECKING:
    from remalis_envs.traffic.env import TrafficEnv

SCENE_S = 1.0
"""Simulated seconds between scenes; frames in between are interpolated."""
LONGEST_S = 1e6
"""Simulated seconds that may be shown or skipped: more than any episode has."""
FPS, SPEED = (1.0, 120.0), (0.05, 1000.0)
"""Bounds of a film's frames a second, and of simulated seconds in one of its seconds; beyond them it would not end."""
_EPSILON_S = 1e-6


class Player(Protocol):
    """What can be filmed: a controller, or a trained team (:class:`remalis_agents.team.Team`)."""

    def reset(self, env: Any, seed: int) -> None:
        """Begin an episode."""

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        """Actions for all agents."""


@dataclass(frozen=True)
class Film:
    """A film that has been written."""

    path: Path
    frames: int
    fps: float
    simulated_s: float
    metrics: dict[str, float]
    """The episode's figures at the end of the film."""

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self.frames / self.fps


def film(
    env: TrafficEnv,
    player: Player,
    out: str | Path,
    *,
    seed: int = 0,
    seconds: float = 300.0,
    skip_s: float = 0.0,
    fps: float = 20.0,
    speed: float = 8.0,
    label: str = "",
    width: int | None = None,
    on_frame: Callable[[int, int], None] | None = None,
) -> Film:
    """Play an episode and write it as a film.

    Args:
        env: a traffic environment; it is reset, and left where the film ends.
        player: who chooses the actions.
        out: ``.mp4`` or ``.gif``.
        seed: of the episode.
        seconds: simulated time that the film shows; it ends earlier where the episode does.
        skip_s: simulated time before the first frame.
        fps: frames a second.
        speed: simulated seconds in a second of film.
        label: line under the scenario's name, such as who controls the signals.
        width: of the film in pixels.
        on_frame: called after each frame with the number of frames so far and in all.

    Raises:
        RemalisError: the file cannot be written, or the simulator died.
    """
    check_pace(seconds, skip_s, fps, speed)
    step_s = speed / fps
    total = int(seconds / step_s + _EPSILON_S) + 1
    with film_writer(out, fps) as writer:
        renderer = Renderer.of_scenario(env.config.scenario, subtitle=label, width=width)
        begin_s = env.config.scenario.files.begin_s + skip_s
        for scene in resample(scenes(env, player, seed, skip_s), begin_s, step_s, total):
            writer.add(renderer.draw(scene))
            if on_frame is not None:
                on_frame(writer.frames, total)
        if not writer.frames:
            raise FilmError(f"The episode ended before the {skip_s:g} s that were to be skipped: there is no film.")
    return Film(Path(out), writer.frames, fps, (writer.frames - 1) * step_s, env.metrics())


def check_pace(seconds: float, skip_s: float, fps: float, speed: float) -> None:
    """Raise where a film of these lengths and speeds cannot be.

    Raises:
        FilmError: a number is out of its range.
    """
    if not 0.0 < seconds <= LONGEST_S:
        raise FilmError(f"A film's seconds must be a positive number of at most {LONGEST_S:,.0f}, not {seconds!r}.")
    for name, value, (least, most) in (("fps", fps, FPS), ("speed", speed, SPEED)):
        if not least <= value <= most:
            raise FilmError(f"A film's {name} must be from {least:g} to {most:g}, not {value!r}.")
    if not 0.0 <= skip_s <= LONGEST_S:
        raise FilmError(f"The time to skip must be from 0 to {LONGEST_S:,.0f} seconds, not {skip_s!r}.")


def scenes(env: TrafficEnv, player: Player, seed: int, skip_s: float = 0.0) -> Iterator[Scene]:
    """Every second of an episode, as it is played; the decision in which ``skip_s`` lies is the first to be shown."""
    observations, _ = env.reset(seed=seed)
    player.reset(env, seed)
    recorder = Recorder(env, SCENE_S)
    skipped = int(skip_s / env.config.scenario.timing.decision_s + _EPSILON_S)
    while env.agents:
        if skipped == 0:
            recorder.start()
        skipped -= 1
        observations, _, _, _, infos = env.step(player.act(observations))
        if fault := fault_of(env, infos):
            raise FilmError(f"The film broke off because the simulator died: {fault}")
        yield from recorder.scenes()
    yield recorder.now()


def resample(found: Iterable[Scene], begin_s: float, step_s: float, count: int) -> Iterator[Scene]:
    """At most ``count`` scenes at ``begin_s``, ``begin_s + step_s``, ...; those between two are interpolated."""
    before: Scene | None = None
    made = 0
    for after in found:
        while made < count and (due := begin_s + made * step_s) <= after.time_s + _EPSILON_S:
            if before is None or after.time_s - due <= _EPSILON_S:
                yield after
            else:
                yield blend(before, after, (due - before.time_s) / (after.time_s - before.time_s))
            made += 1
        if made >= count:
            return
        before = after
