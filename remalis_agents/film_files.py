"""Film files: frames written as mp4, webm or gif; a file appears under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, unknown

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
Frame = npt.NDArray[np.uint8]
"""A picture, uint8 ``(height, width, 3)``."""

SUFFIXES = (".mp4", ".webm", ".gif")
CRF = 22
"""x264's quality: lower is better and larger; at 22 the smallest cars of a map stay sharp."""
VP9_CRF = 30
"""VP9's, which looks about the same."""
GIF_WIDTH_PX, GIF_FPS = 720, 10
"""Bounds of a gif, which compresses poorly: wider films are shrunk, faster ones keep their pace with fewer frames."""
_GIF_BYTES = 3 * 128
"""Of the palette."""


class FilmError(RemalisError):
    """A film cannot be written."""


class FilmWriter(ABC):
    """Takes frames one after another; use it in a ``with`` block, which removes the file where something fails.

    Args:
        path: of the film; its folder is made where it does not exist.
        fps: frames a second.
        colours: that must be true in a gif, whose colours are few; those of the traffic where none are given.
    """

    def __init__(self, path: Path, fps: float, colours: Sequence[Colour] = ()) -> None:
        self.path, self.fps, self.frames = path, fps, 0
        self.colours = tuple(colours)
        self._new_folders = missing_folders(path)
        try:
            self._partial = partial_file(path)
        except FilmError:
            remove_empty(self._new_folders)
            raise
        self._kept = False

    def add(self, frame: Frame) -> None:
        """Append a frame; all must have the size of the first.

        Raises:
            FilmError: the file cannot be written.
        """
        try:
            self._add(frame)
        except OSError as error:
            raise FilmError(f"The film {str(self.path)!r} cannot be written: {_first_line(error)}.") from None
        self.frames += 1

    @abstractmethod
    def _add(self, frame: Frame) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._finish()
            if kind is None and self.frames:
                os.replace(self._partial, self.path)
                self._kept = True
        except OSError as fault:
            raise FilmError(f"The film {str(self.path)!r} cannot be written: {_first_line(fault)}.") from None
        finally:
            self._partial.unlink(missing_ok=True)
            if not self._kept:
                remove_empty(self._new_folders)


class Mp4Writer(FilmWriter):
    """H.264 in yuv420p, which every browser plays, by the ffmpeg that comes with imageio-ffmpeg."""

    codec = "libx264"
    parameters: tuple[str, ...] = ("-crf", str(CRF), "-preset", "medium", "-movflags", "+faststart", "-threads", "2")
    _pipe: Generator[None, Any, None] | None = None

    def _add(self, frame: Frame) -> None:
        if self._pipe is None:
            import imageio_ffmpeg

            height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
            self._size = (width, height)
            self._pipe = imageio_ffmpeg.write_frames(
                str(self._partial),
                self._size,
                fps=self.fps,
                codec=self.codec,
                quality=None,
                macro_block_size=2,
                ffmpeg_log_level="error",
                output_params=list(self.parameters),
            )
            self._pipe.send(None)
        width, height = self._size
        self._pipe.send(np.ascontiguousarray(frame[:height, :width]))

    def _finish(self) -> None:
        if self._pipe is not None:
            self._pipe.close()


class WebmWriter(Mp4Writer):
    """VP9, free of patents that anybody asks money for."""

    codec = "libvpx-vp9"
    parameters = (
        "-crf",
        str(VP9_CRF),
        "-b:v",
        "0",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-row-mt",
        "1",
        "-threads",
        "2",
    )


class GifWriter(FilmWriter):
    """A gif that plays for ever, of bounded width and frame rate, all frames in one palette."""

    def __init__(self, path: Path, fps: float, colours: Sequence[Colour] = ()) -> None:
        super().__init__(path, fps, colours)
        self._every = max(1, round(fps / GIF_FPS))
        self._images: list[Image] = []
        self._palette: Image | None = None

    def _add(self, frame: Frame) -> None:
        if self.frames % self._every:
            return
        from PIL import Image

        image = Image.fromarray(frame)
        if image.width > GIF_WIDTH_PX:
            height = round(image.height * GIF_WIDTH_PX / image.width)
            image = image.resize((GIF_WIDTH_PX, height), Image.Resampling.LANCZOS)
        if self._palette is None:
            self._palette = _palette(image, self.colours or _traffic_colours())
        self._images.append(image.quantize(palette=self._palette, dither=Image.Dither.NONE))

    def _finish(self) -> None:
        if not self._images:
            return
        # A gif counts in hundredths of a second.
        duration_ms = round(100.0 * self._every / self.fps) * 10
        first, *others = self._images
        first.save(self._partial, "GIF", save_all=True, append_images=others, duration=duration_ms, loop=0)
        self._images = []


WRITERS: dict[str, type[FilmWriter]] = {".mp4": Mp4Writer, ".webm": WebmWriter, ".gif": GifWriter}


def film_writer(path: str | Path, fps: float, colours: Sequence[Colour] = ()) -> FilmWriter:
    """The writer for a file's ending; the arguments are those of :class:`FilmWriter`.

    Raises:
        UnknownNameError: it ends in none of :data:`SUFFIXES`.
        FilmError: nothing can be written there.
    """
    place = Path(path)
    if place.name.lower() in WRITERS:
        raise FilmError(f"{str(path)!r} is a film's ending alone: give the file a name, such as clip{place.name}.")
    if place.suffix.lower() not in WRITERS:
        raise unknown("film format", place.suffix or place.name, SUFFIXES)
    return WRITERS[place.suffix.lower()](place, fps, colours)


def partial_file(path: Path) -> Path:
    """An empty file beside ``path`` to write to.

    Raises:
        FilmError: there is no place for one.
    """
    if os.path.isdir(path):
        raise FilmError(f"The film cannot be written to {str(path)!r}, which is a folder: give a file's name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.stat(path)  # its own name may be too long where the shorter one below is not
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:32]}.", suffix=path.suffix.lower(), dir=path.parent)
    except (OSError, ValueError) as error:  # a ValueError for names that no system has
        raise FilmError(f"The film {str(path)!r} cannot be written: {_first_line(error)}.") from None
    os.close(handle)
    # A temporary file is its owner's alone; a film is anybody's, as far as the user's settings allow.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
    return Path(name)


def _traffic_colours() -> list[Colour]:
    """The colours of the traffic, also half covering a road."""
    from remalis_envs.traffic.render import style

    traffic = [*style.speed_colours()[:: style.SPEED_STEPS // 16], *style.SIGNALS.values(), style.PERSON]
    r, g, b = style.ASPHALT
    edges = [((c[0] + r) // 2, (c[1] + g) // 2, (c[2] + b) // 2) for c in traffic]
    icons = [*style.ROAD_TINTS.values(), style.EMERGENCY_RING, style.EMERGENCY_BODY, style.WALK]
    return [*traffic, *edges, *icons]


def _palette(image: Image, colours: Sequence[Colour]) -> Image:
    """Colours, and what else the first frame needs."""
    from PIL import Image

    wanted = [channel for colour in colours for channel in colour]
    frame = image.quantize((_GIF_BYTES - len(wanted)) // 3, method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette((wanted + frame)[:_GIF_BYTES])
    return palette


def missing_folders(path: Path) -> list[Path]:
    """The folders above a file that do not exist yet, from the innermost."""
    return [folder for folder in path.parents if not os.path.exists(folder)]


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes folders, from the innermost; one that holds something stays."""
    for folder in folders:
        try:
            folder.rmdir()
        except (OSError, ValueError):
            return


def _first_line(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().splitlines()[-1] if str(error).strip() else "the disk may be full"
