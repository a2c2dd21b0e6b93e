"""Writes a film of an episode on the web, while it is played."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from remalis_agents.film_files import FilmError, FilmWriter, film_writer
from remalis_agents.web_film.drawing import COLOURS
from remalis_agents.web_film.frames import Frame, Frames
from remalis_agents.web_film.recorder import Recorder
from remalis_agents.web_film.recording import Moment

HOLD_S, OPENING_S, CLOSING_S, IDLE_S = 2.0, 3.0, 5.0, 0.4
"""How long a team step, the task before the first of them, the judgement, and a step in which nobody acts are shown."""
FPS = 5.0
MOST_HOLD_S = 60.0


def film(
    recorder: Recorder,
    out: str | Path,
    hold_s: float = HOLD_S,
    on_step: Callable[[Moment], None] | None = None,
) -> float:
    """Plays an episode and writes it as a film.

    Args:
        recorder: of an episode that has begun, with pictures.
        out: a file whose ending says the kind of film.
        hold_s: how long a team step is shown: half of it before it, with what everybody is about to do, and half after.
        on_step: called after each team step.

    Returns:
        How long the film plays, in seconds.

    Raises:
        RemalisError: the file cannot be written.
    """
    check_hold(hold_s)
    frames = Frames(recorder.recording)
    with film_writer(out, FPS, COLOURS) as writer:
        _held(writer, frames.opening(), OPENING_S)
        for moment in recorder.moments():
            if moment.active:
                _held(writer, frames.before(moment), hold_s / 2)
                _held(writer, frames.after(moment), hold_s / 2)
            else:
                _held(writer, frames.after(moment), min(hold_s, IDLE_S))
            if on_step is not None:
                on_step(moment)
        _held(writer, frames.closing(), CLOSING_S)
        return writer.frames / FPS


def check_hold(hold_s: float) -> None:
    """Raise where a team step cannot be shown for so long.

    Raises:
        FilmError: it is out of range.
    """
    if not 2 / FPS <= hold_s <= MOST_HOLD_S:
        raise FilmError(f"A team step is shown for {2 / FPS:g} to {MOST_HOLD_S:g} seconds, not {hold_s!r}.")


def exhaust(moments: Iterable[Moment], on_step: Callable[[Moment], None] | None = None) -> None:
    """Plays an episode that is not filmed."""
    for moment in moments:
        if on_step is not None:
            on_step(moment)


def _held(writer: FilmWriter, frame: Frame, seconds: float) -> None:
    for _ in range(max(1, round(seconds * FPS))):
        writer.add(frame)
