"""What a page offers: by rights, in page order, with values that know nothing of the goal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import remalis_envs
from remalis_envs.web.actions import FIRST_CANDIDATE, WINDOW
from remalis_envs.web.candidates import MAX_CHOICES, MAX_FILLS, Offering
from remalis_envs.web.engines.base import Deed
from remalis_envs.web.feature_names import F
from remalis_envs.web.features import FeatureTable
from remalis_envs.web.notebook import Note
from remalis_envs.web.observations import LAYOUT
from remalis_envs.web.pages.items import Item, Reading
from remalis_envs.web.roles import rights_of
from tests.web.toy_tasks import ToyTasks

EVERYTHING = rights_of("alone", "overlapping")


def values(instruction: str, item: Item, *notes: Note) -> list[str]:
    offering = Offering(instruction)
    offering.take_notes(notes)
    return [offer.value for offer in offering.offers(item, "main")]


def field(name: str, **more: Any) -> Item:
    return Item("textbox", name, **{"kind": "text", "form": "POST /draft/x", **more})


def test_fields_are_offered_what_fits_their_kind() -> None:
    text = 'Give "choir meeting" as the purpose, for 7 people on 2 May 2031, from Anna Meyer.'
    assert values(text, Item("spinbutton", "People", kind="number", form="POST /draft/x")) == ["7"]
    assert values(text, Item("date", "Day", kind="date", form="POST /draft/x")) == [
        "2031-05-02",
        "2031-05-03",
        "2031-05-01",
    ]
    assert values(text, field("Purpose"))[0] == "choir meeting"
    assert values(text, field("Name"))[:2] == ["choir meeting", "Anna Meyer"]


def test_the_value_beside_the_label_comes_first_and_few_are_offered() -> None:
    things = [f"thing{letter}" for letter in "abcdefghijklmnopq"]
    text = f"Take {', '.join(f'{k + 3} {thing}' for k, thing in enumerate(things))} and 21 spoons."
    number = Item("spinbutton", "Spoons", kind="number", form="POST /draft/x")
    assert values(text, number)[0] == "21" and len(values(text, number)) == MAX_FILLS


def test_facts_of_the_notebook_are_offered_and_a_full_field_can_be_emptied() -> None:
    notes = (Note("£12.00", "Fee", 0, 1), Note("Your code is FRIEND-35.", "Message", 0, 2))
    assert "12.00" in values("", Item("spinbutton", "Total", kind="number", form="POST /draft/x"), *notes)
    assert "FRIEND-35" in values("", field("Friends code"), *notes)
    assert values("", field("Words", value="old")) == [""]


def test_days_are_counted_from_the_dates_that_are_known() -> None:
    day = Item("date", "Back on", kind="date", form="POST /draft/x")
    offered = values(
        "Keep it for 3 rooms; it is back 14 days after it was lent.", day, Note("2031-05-02", "Lent", 0, 1)
    )
    assert {"2031-05-02", "2031-05-16", "2031-04-18", "2031-05-03"} <= set(offered)
    assert "2031-05-05" not in offered, "three are rooms and not days"


def test_marks_of_messages_are_offered_whole() -> None:
    for mark in (
        "white-57",
        "74-N0",
        "Lot W1",
        "LB 478 049",
        "CL-51/SJ",
        "9165#",
        "red Magnolia",
        "navy door 6",
        "7E5R",
    ):
        note = Note(
            f"Dear member, whenever you come to see us from now on, please say {mark} at the desk.", "Letter", 0, 1
        )
        assert mark in values("", field("Word"), note), mark


def test_of_a_long_select_the_options_that_matter_are_kept_in_order() -> None:
    options = (*(f"option {k}" for k in range(30)), "Penrith Branch")
    select = Item("combobox", "At", options=options, form="GET /search/room")
    offered = values("The room at Penrith Branch.", select)
    assert len(offered) == MAX_CHOICES and offered[-1] == "Penrith Branch" and offered[0] == "option 0"


def test_who_lacks_the_right_sees_a_control_once_and_cannot_use_it() -> None:
    reading = Reading("main/", "t", (field("Name"), Item("button", "Pay", kind="submit", form="POST /pay")))
    table = FeatureTable('The name is "Bo", or "Al".', {})
    filler, reader = (table.view(reading, rights_of(role, "overlapping")) for role in ("form_filler", "reader"))
    assert filler.legal.tolist() == [1, 1, 0] and reader.legal.tolist() == [0, 0]
    assert table.view(reading, EVERYTHING).legal.tolist() == [1, 1, 1]


def test_what_would_change_nothing_is_not_legal() -> None:
    items = (
        Item("radio", "Now", checked=True, form="POST /draft/x"),
        Item("tab", "More", selected=True),
        Item("combobox", "Size", value="S", options=("S", "L"), form="POST /draft/x"),
        Item("button", "Save", disabled=True, form="POST /draft/x"),
    )
    view = FeatureTable("", {}).view(Reading("main/", "t", items), EVERYTHING)
    assert view.legal.tolist() == [0, 0, 0, 1, 0]


def test_a_slot_is_known_by_its_date_however_the_instruction_writes_it() -> None:
    slots = ("2031-10-28 20:00 free", "2031-10-21 20:00 free", "2031-10-28 09:00 free")
    items = tuple(Item("button", "Take", kind="submit", form=f"POST /{k}", context=c) for k, c in enumerate(slots))
    table = FeatureTable("Come for a talk on 28 October 2031 at 8:00 p.m.", {})
    view = table.view(Reading("main/", "t", items), EVERYTHING)
    np.testing.assert_allclose(view.block[:, F["context_share"]], [5 / 6, 4 / 6, 4 / 6], rtol=1e-6)
    assert view.block[:, F["best"]].tolist() == [1.0, 0.0, 0.0]


def test_a_row_is_known_by_the_values_of_the_instruction_that_stand_in_it_whole() -> None:
    items = (
        Item("link", "Ivor Vance", href="/1", context="Ivor Vance mornings 2031-10-28"),
        Item("link", "Ivor Draper", href="/2", context="Ivor Draper"),
        Item("link", "Vance", href="/3", context="Carers"),
    )
    table = FeatureTable("Ask Ivor Vance for 28 October 2031.", {})
    block = table.view(Reading("main/", "t", items), EVERYTHING).block
    assert block[:, F["label_names_phrase"]].tolist() == [1.0, 0.0, 0.0]
    assert block[:, F["context_names_phrase"]].tolist() == [1.0, 0.0, 0.0]
    assert block[:, F["context_names_date"]].tolist() == [1.0, 0.0, 0.0]
    assert block[:, F["context_names_quoted"]].tolist() == [0.0, 0.0, 0.0]
    assert block[:, F["heads"]].tolist() == [1.0, 0.0, 0.0], "a row's name, and not all that there is around it"


def test_swapping_the_goal_leaves_the_candidates_alone() -> None:
    """Two tasks that share their instruction and their pages offer the same, whatever their goals are."""

    class Swapped(ToyTasks):
        def draw(self, domain: str, level: str, seed: int, site_seed: int) -> Any:
            drawn, other = super().draw(domain, level, seed, 0), super().draw(domain, level, seed + 1, 0)
            task = replace(other.task, instruction=drawn.task.instruction, seed=seed)
            return drawn._replace(task=task, oracle=other.oracle)

    seen = []
    for tasks in (ToyTasks(), Swapped()):
        env = remalis_envs.web_v0(engine="model", tasks=tasks)
        observations, _ = env.reset(seed=3)
        seen.append((env.task.rubric, [o["observation"].tobytes() for o in observations.values()]))
        seen[-1] += ([env.action_texts(agent) for agent in env.agents],)
    assert seen[0][0] != seen[1][0] and seen[0][1:] == seen[1][1:]


# Windows


def crowded(count: int) -> Reading:
    items = tuple(Item("link", f"thing {k}", href=f"/{k}") for k in range(count))
    return Reading(
        "main/", "Crowd", (*items[: count // 2], Item("link", "purple heron", href="/x"), *items[count // 2 :])
    )


def test_a_page_is_cut_into_windows_with_their_peaks() -> None:
    view = FeatureTable("Find the purple heron.", {}).view(crowded(150), EVERYTHING)
    assert view.size == 151 and view.regions == 3
    assert int(np.argmax(view.peaks)) == 75 // WINDOW
    assert view.block[75, F["best"]] == 1 and view.block[:, F["best"]].sum() == 1
    assert view.block[75, F["label_share"]] == 1 and view.block[74, F["label_share"]] == 0


def test_windows_are_moved_by_region_and_find() -> None:
    env = remalis_envs.web_v0(engine="model", tasks=ToyTasks(), team=["reader", "verifier"])
    env.reset(seed=0)
    episode = env._episode
    episode.desks[0].reading = crowded(150)
    episode._tables[env.task.instruction] = FeatureTable("Find the purple heron.", {})
    episode._observe()

    def step(words: str) -> Any:
        return env.step({"reader": env.parse("reader", words), "verifier": 0})[0]["reader"]

    own = step("next region")
    assert own["action_mask"][[1, 2]].tolist() == [1, 1] and episode.desks[0].region == 1
    own = step("next region")
    assert own["action_mask"][[1, 2]].tolist() == [0, 1], "the last"
    assert (LAYOUT.action_features(own["observation"])[FIRST_CANDIDATE:, F["exists"]]).sum() == 151 - 2 * WINDOW
    own = step("previous region")
    assert episode.desks[0].region == 1 and own["action_mask"][5] == 0, "what is sought is here"


def test_a_candidate_says_what_the_engine_is_to_do() -> None:
    view = FeatureTable("", {}).view(
        Reading("main/", "t", (Item("link", "A", href="/a"), Item("cell", "B"))), EVERYTHING
    )
    assert view.candidate(0).deed == Deed("click", 0) and view.candidate(1).deed is None
