"""Makes a demonstrator and its environment by name, and records them with a progress bar."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from remalis_agents.evaluate import check_fits, load_team
from remalis_agents.imitation.correcting import Corrected
from remalis_agents.imitation.record import Demonstrator, record
from remalis_agents.imitation.schema import DemonstrationError, Header
from remalis_agents.imitation.side_by_side import SideBySide
from remalis_agents.mixtures import SCENARIOS, with_world
from remalis_agents.players import TRAFFIC, WEB, make_player
from remalis_agents.registration import make_team_env
from remalis_agents.team import Team
from remalis_envs.registration import WITH_SPLITS


def demonstrate(
    out: str | Path,
    *,
    controller: str | None = None,
    checkpoint: str | None = None,
    env: str | None = None,
    env_config: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    episodes: int = 10,
    first_seed: int = 0,
    split_seed: int = 0,
    sample: bool = False,
    pupil: Team | None = None,
    helped: float = 0.0,
    processes: int = 1,
    quiet: bool = False,
) -> Header:
    """Records a controller or a trained team.

    Args:
        out: the Parquet file.
        controller: a controller's name, or that of a team of the web such as ``oracle``; or None.
        checkpoint: a team's checkpoint, run or exported folder, or None.
        env: the environment's name; traffic, or what the team was trained on, by default.
        env_config: its options; those that the team was trained with by default. The suite's own environments play
            their training split unless this says otherwise.
        changes: to these options; one that names a world replaces the one that they name.
        episodes: how many.
        first_seed: of the first episode.
        split_seed: of the draw of the 80/10/10 split.
        sample: draw a team's actions as in training, instead of the most probable.
        pupil: a team that plays while the demonstrator says what it would have done, see :mod:`.correcting`.
        helped: share of the steps in which the demonstrator plays all the same.
        processes: play as many episodes side by side, each in a process of its own; the recording is the same. Code
            that is run as a script has to stand under ``if __name__ == "__main__":`` for more than one.
        quiet: show nothing.

    Raises:
        RemalisError: the demonstrator or the environment cannot be made, or do not fit each other.
    """
    player, said = _player(controller, checkpoint, sample, env or TRAFFIC)
    trained = player.trained_on if isinstance(player, Team) else {}
    name = env or trained.get("env") or TRAFFIC
    options = dict(env_config if env_config is not None else trained.get("env_config", {}))
    options = with_world(options, changes or {})
    if SCENARIOS in options:
        raise DemonstrationError("A recording plays one world: name it with level or scenario, not with scenarios.")
    if name in WITH_SPLITS:
        options.setdefault("split", "train")
    scene = Scene(controller, checkpoint, sample, name, options, pupil, helped)
    team = scene.world()
    try:
        _check(player, said, team, name)
        if pupil is not None:
            player, said = Corrected(pupil, player, helped), f"{said}, correcting the team that learns"
        with _shown(said, episodes, quiet) as on_step, _helpers(scene, processes) as helpers:
            return record(
                team,
                player,
                out,
                env_name=name,
                env_config=options,
                demonstrator=said,
                episodes=episodes,
                first_seed=first_seed,
                split_seed=split_seed,
                on_step=on_step,
                helpers=helpers,
            )
    finally:
        team.close()


@dataclass(frozen=True)
class Scene:
    """Who is recorded where, as :func:`demonstrate` takes it; a process can be sent it and play there."""

    controller: str | None
    checkpoint: str | None
    sample: bool
    env: str
    options: Mapping[str, Any]
    pupil: Team | None
    helped: float

    def __call__(self) -> tuple[Any, Demonstrator]:
        """The team view, and who plays."""
        player, _ = _player(self.controller, self.checkpoint, self.sample, self.env)
        return self.world(), player if self.pupil is None else Corrected(self.pupil, player, self.helped)

    def world(self) -> Any:
        """The team view.

        Raises:
            DemonstrationError: the environment does not take these options.
        """
        try:
            return make_team_env(self.env, self.options)
        except TypeError as error:
            raise DemonstrationError(f"{self.env} cannot be made with {dict(self.options)}: {error}") from None


def _helpers(scene: Scene, processes: int) -> contextlib.AbstractContextManager[SideBySide | None]:
    return SideBySide(scene, processes) if processes > 1 else contextlib.nullcontext()


@contextlib.contextmanager
def _shown(said: str, episodes: int, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Shows how far a recording is: as a bar in a terminal, elsewhere as a line for each tenth of the episodes."""
    console = Console()
    if console.is_terminal or quiet:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
            task = progress.add_task(f"recording {said}", total=episodes)
            # An episode's length is not known before it ends; a step moves the bar by less than one all the same.
            yield lambda number, step: progress.update(
                task, completed=number, description=f"recording {said}, step {step}"
            )
        return
    tenth, begun = max(1, episodes // 10), time.monotonic()

    def on_step(number: int, step: int) -> None:
        if step == 1 and number and number % tenth == 0:
            spent = time.monotonic() - begun
            print(f"recording {said}: {number} of {episodes} episodes in {spent:.0f} s", flush=True)

    yield on_step


def _player(controller: str | None, checkpoint: str | None, sample: bool, env: str) -> tuple[Demonstrator, str]:
    if (controller is None) == (checkpoint is None):
        raise DemonstrationError("Give --controller or --checkpoint: one of them demonstrates.")
    if checkpoint is not None:
        return load_team(checkpoint, sample), f"checkpoint:{checkpoint}"
    assert controller is not None
    made = make_player(controller, env)
    if made.own_program:
        raise DemonstrationError(
            f"Controller {controller!r} lets SUMO run a signal program of its own, so that it has no actions to learn "
            "from: record one that chooses among the agents' phases, such as 'greedy' or 'max_pressure'."
        )
    return made, f"controller:{controller}"


def _check(player: Demonstrator, said: str, team: Any, name: str) -> None:
    """Refuses a team or a controller for other agents, before it fails on what they see."""
    from remalis_envs.traffic.observations import LAYOUT

    if isinstance(player, Team):
        check_fits(player, team, name)
    elif name != WEB and getattr(team.unwrapped, "layout", None) is not LAYOUT:
        raise DemonstrationError(
            f"{said} reads what traffic signals see, but the agents of {name} see something else: record a trained "
            "team there, with --checkpoint."
        )
