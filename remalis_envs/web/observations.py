"""The observation vector: what each number is, and how it is filled.

One vector fits every agent of every task. It has two blocks, and their layout is public::

    actions   A x len(ACTION_FEATURES)   each action: what it is, what it acts on, how well its words are those of the
                                         instruction; a window of the page's candidates comes last
    context   len(CONTEXT_FEATURES)      the agent's role, its own last outcome, the page, the notebook, the instruction

Everything lies within [-LIMIT, LIMIT], most of it within [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from remalis_envs.web.actions import (
    ACTIONS,
    BACK,
    BOOKMARKS,
    FIND,
    FIRST_BOOKMARK,
    FIRST_CANDIDATE,
    FIRST_TEXT,
    HOME,
    NEXT_REGION,
    PREVIOUS_REGION,
    TEXT_SLOTS,
    WAIT,
    WINDOW,
    operation_of,
)
from remalis_envs.web.candidates import host_of
from remalis_envs.web.desk import Desk
from remalis_envs.web.feature_names import ACTION_FEATURES, LABEL_HASH, F
from remalis_envs.web.features import FeatureTable
from remalis_envs.web.notebook import CAPACITY, Note
from remalis_envs.web.roles import RIGHTS, ROLES
from remalis_envs.web.static_features import hashed
from remalis_envs.web.vocabulary import SUBGOALS
from remalis_envs.web.words import word_set

LIMIT = 4.0
TITLE_HASH, INSTRUCTION_HASH, NOTE_HASH = 16, 320, 12
SITES = ("main", "calculator", "calendar", "map", "manual", "mail", "other")
NOTE_FEATURES = ("exists", "mine", "age", "number", "share", *(f"word_{k}" for k in range(NOTE_HASH)))
TYPES = (*ROLES, "alone")

CONTEXT_FEATURES = (
    *(f"type_{name}" for name in TYPES),
    *(f"right_{name}" for name in RIGHTS),
    *(f"site_{name}" for name in SITES),
    *(f"title_{k}" for k in range(TITLE_HASH)),
    "covered",
    "dialog",
    "says_status",
    "says_alert",
    "region",
    "regions",
    "budget_left",
    "last_done",
    "last_refused",
    "last_unsettled",
    "last_masked",
    "last_moved",
    "last_finished",
    "last_reward",
    *(f"{when}_{name.replace(' ', '_')}" for when in ("last", "did", "lately") for name in SUBGOALS),
    *(f"last_label_{k}" for k in range(LABEL_HASH)),
    *(f"instruction_{k}" for k in range(INSTRUCTION_HASH)),
    *(f"note_{k}_{name}" for k in range(CAPACITY) for name in NOTE_FEATURES),
)
"""``type``: the agent's role; ``site``: what its page's host is; ``covered``: the share of the
instruction's words that stand on the page; ``last``: its own last outcome; ``did``: how often it
served each sub-goal, in fours; ``lately``: the same in a mean that forgets; ``note``: the notebook,
the newest entry first, with the words that say what it is about."""


@dataclass(frozen=True)
class Layout:
    """Slices of the observation vector, under the names by which networks read any family's layout as well."""

    actions: slice
    context: slice
    size: int

    @property
    def phases(self) -> slice:
        """The block with one row an action, whose first feature is that it exists."""
        return self.actions

    @property
    def types(self) -> slice:
        """The one-hot block of the agent's role."""
        return slice(self.context.start, self.context.start + len(TYPES))

    @property
    def arms(self) -> slice:
        """The things that an agent looks at: the window of candidates."""
        return slice(FIRST_CANDIDATE * len(ACTION_FEATURES), self.actions.stop)

    @property
    def arm_count(self) -> int:
        """Rows of that block."""
        return WINDOW

    def action_features(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(..., D)`` -> ``(..., A, len(ACTION_FEATURES))``."""
        return observation[..., self.actions].reshape(*observation.shape[:-1], ACTIONS, len(ACTION_FEATURES))

    def context_features(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(..., D)`` -> ``(..., len(CONTEXT_FEATURES))``."""
        return observation[..., self.context]


_BLOCK = ACTIONS * len(ACTION_FEATURES)
LAYOUT = Layout(slice(0, _BLOCK), slice(_BLOCK, _BLOCK + len(CONTEXT_FEATURES)), _BLOCK + len(CONTEXT_FEATURES))
OBSERVATION_SIZE = LAYOUT.size
"""``D``."""

C = {name: column for column, name in enumerate(CONTEXT_FEATURES)}
_PAGE = slice(C["site_main"], C["region"])
_LAST = slice(C["last_done"], C["instruction_0"])
_DID = slice(7 + len(SUBGOALS), 7 + 3 * len(SUBGOALS))
"""Within the last."""
_NOTES = slice(C["note_0_exists"], len(CONTEXT_FEATURES))


class Observer:
    """Fills the ``(N, D)`` observations and ``(N, A)`` masks of a team; both are reused, so copy what you keep.

    Args:
        desks: the team.
        hosts: sites of the world, the first where tabs begin.
        home: ``host/path`` of the page where tabs begin.
    """

    def __init__(self, desks: Sequence[Desk], hosts: Sequence[str], home: str) -> None:
        n = len(desks)
        self.array = np.zeros((n, LAYOUT.size), np.float32)
        self.masks = np.zeros((n, ACTIONS), np.int8)
        self.masks[:, WAIT] = 1
        self.hosts, self.home = tuple(hosts), home
        self._actions = self.array[:, LAYOUT.actions].reshape(n, ACTIONS, len(ACTION_FEATURES))
        self._context = self.array[:, LAYOUT.context]
        self._actions[:, :FIRST_TEXT] = _fixed_rows(self.hosts)[:FIRST_TEXT]
        self._shown: list[tuple[int, int, int] | None] = [None] * n
        self._notes = self._context[:, _NOTES].reshape(n, CAPACITY, len(NOTE_FEATURES))
        self._noted: tuple[Note, ...] = ()
        self._written = np.zeros(0, np.float32)
        self._wanted = [word_set(desk.instruction) for desk in desks]
        for desk, row in zip(desks, self._context, strict=True):
            row[C[f"type_{desk.role}"]] = 1.0
            for right in desk.rights:
                row[C[f"right_{right}"]] = 1.0
            row[C["instruction_0"] : C["instruction_0"] + INSTRUCTION_HASH] = hashed(desk.instruction, INSTRUCTION_HASH)

    def fill(self, desks: Sequence[Desk], tables: Mapping[str, FeatureTable], budget_left: float) -> None:
        """Writes what the team sees now.

        Args:
            desks: the team, each with its view.
            tables: by instruction.
            budget_left: share of the steps that are left.
        """
        self._context[:, C["budget_left"]] = budget_left
        for k, desk in enumerate(desks):
            view = desk.view
            assert view is not None
            rows = view.rows[desk.region * WINDOW : (desk.region + 1) * WINDOW]
            shown = (id(view), desk.region, view.noted)
            if self._shown[k] != shown:
                self._fill_page(k, desk, len(rows))
                self._shown[k] = shown
            block = self._actions[k, FIRST_CANDIDATE : FIRST_CANDIDATE + len(rows)]
            tables[desk.instruction].fill_done(block, rows, k)
            self.fill_slots(k, desk)
            self._fill_last(self._context[k, _LAST], desk)

    def _fill_page(self, k: int, desk: Desk, count: int) -> None:
        view, region = desk.view, desk.region
        assert view is not None
        actions, mask, begin = self._actions[k], self.masks[k], region * WINDOW
        actions[FIRST_CANDIDATE : FIRST_CANDIDATE + count] = view.block[begin : begin + count]
        actions[FIRST_CANDIDATE + count :] = 0.0
        mask[FIRST_CANDIDATE : FIRST_CANDIDATE + count] = view.legal[begin : begin + count]
        mask[FIRST_CANDIDATE + count :] = 0
        best = max(range(view.regions), key=view.peaks.__getitem__)
        mask[NEXT_REGION], mask[PREVIOUS_REGION] = region + 1 < view.regions, region > 0
        mask[FIND] = best != region
        for action, target in ((NEXT_REGION, region + 1), (PREVIOUS_REGION, region - 1), (FIND, best)):
            there = 0 <= target < view.regions
            actions[action, F["weight"]] = view.peaks[target] if there else 0.0
        reading = view.reading
        host, address = host_of(reading), reading.url
        mask[BACK] = desk.depth > 0
        mask[HOME] = address != self.home
        for number, name in enumerate(self.hosts[1 : BOOKMARKS + 1]):
            mask[FIRST_BOOKMARK + number] = address != f"{name}/"
        own = self._context[k]
        own[_PAGE] = 0.0
        own[C[f"site_{host if host in SITES else 'other'}"]] = 1.0
        own[C["title_0"] : C["title_0"] + TITLE_HASH] = hashed(reading.title, TITLE_HASH)
        own[C["covered"]] = view.covered
        own[C["dialog"]] = reading.dialog
        own[C["says_status"]], own[C["says_alert"]] = view.says
        own[C["region"]], own[C["regions"]] = region / view.regions, min(view.regions / 8.0, 1.0)

    def fill_slots(self, k: int, desk: Desk) -> None:
        """Writes an agent's text slots."""
        for number in range(TEXT_SLOTS):
            there = desk.slots[number] is not None and desk.slot_place(number) >= 0
            row = self._actions[k, FIRST_TEXT + number]
            row[F["exists"]] = row[F["operation_text_slot"]] = float(there)
            self.masks[k, FIRST_TEXT + number] = there

    @staticmethod
    def _fill_last(own: npt.NDArray[np.float32], desk: Desk) -> None:
        own[:] = 0.0
        if desk.outcome in ("done", "refused", "unsettled", "masked"):
            own[("done", "refused", "unsettled", "masked").index(desk.outcome)] = 1.0
        own[4] = desk.moved
        own[5] = min(desk.finished, 2)
        own[6] = max(-LIMIT, min(LIMIT, desk.reward))
        if desk.subgoal >= 0:
            own[7 + desk.subgoal] = 1.0
        own[_DID] = desk.did + desk.lately
        own[_DID.stop :] = hashed(desk.last_label, LABEL_HASH)

    def fill_notes(self, notes: tuple[Note, ...], step: int) -> None:
        """Writes the notebook, for all."""
        block = self._notes
        if notes is not self._noted:
            self._noted = notes
            block[:] = 0.0
            block[:, : len(notes), 0] = 1.0
            for number, note in enumerate(reversed(notes)):
                own = block[:, number]
                own[note.author, 1] = 1.0
                own[:, 3] = any(letter.isdigit() for letter in note.text)
                found = word_set(note.text) | word_set(note.about)
                own[:, 4] = [len(found & wanted) / max(1, len(found)) for wanted in self._wanted]
                own[:, 5:] = hashed(note.about, NOTE_HASH)
            self._written = np.array([note.step for note in reversed(notes)], np.float32)
        if notes:
            block[:, : len(notes), 2] = np.minimum((step - self._written) / 20.0, 1.0)


@lru_cache(maxsize=256)
def _fixed_rows(hosts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Rows of the actions that are always the same, where the world has these sites."""
    rows = np.zeros((FIRST_CANDIDATE, len(ACTION_FEATURES)), np.float32)
    for action in range(FIRST_CANDIDATE):
        number = action - FIRST_BOOKMARK
        if action >= FIRST_TEXT or (number >= 0 and number + 1 >= len(hosts)):
            continue
        rows[action, F["exists"]] = 1.0
        rows[action, F[f"operation_{operation_of(action).replace(' ', '_')}"]] = 1.0
        if number >= 0:
            rows[action, F["label_0"] : F["context_0"]] = hashed(hosts[number + 1], F["context_0"] - F["label_0"])
    return rows
