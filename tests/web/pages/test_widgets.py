"""Each widget on a tree, as far as random walks in both engines would not tell."""

from __future__ import annotations

import pytest

from remalis_envs.web.pages import building as b
from remalis_envs.web.pages import calendars, widgets
from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.pages.reading import read_elements


class Shown:
    """A tree, clicked and typed into by the names of its controls."""

    def __init__(self, *content: Element, fragments: dict[str, Element] | None = None) -> None:
        self.root, self.fragments, self.asked = e("body", *content), fragments or {}, []

    def fetch(self, href: str) -> Element | None:
        self.asked.append(href)
        return self.fragments.get(href)

    def find(self, name: str) -> tuple[Element, object]:
        read = read_elements(self.root, "main/", "")
        place = next(k for k, item in enumerate(read.reading.items) if item.is_control and item.name == name)
        return read.elements[place], read.reading.items[place]

    def click(self, name: str) -> None:
        element, _ = self.find(name)
        assert widgets.concerns(element, typed=False)
        widgets.clicked(widgets.path_to(self.root, element), self.fetch)

    def type(self, name: str, text: str) -> None:
        element, _ = self.find(name)
        assert widgets.concerns(element, typed=True)
        element.attributes["value"] = text
        widgets.typed(widgets.path_to(self.root, element), self.fetch)

    @property
    def names(self) -> list[str]:
        return [item.name for item in read_elements(self.root, "main/", "").reading.items]

    def value(self, name: str) -> str:
        return self.find(name)[1].value


def test_tabs_show_one_panel():
    shown = Shown(b.tabs("t", [("One", e("p", "first")), ("Two", e("p", "second"))], chosen=1))
    assert shown.names == ["One", "Two", "second"]
    shown.click("One")
    assert shown.names == ["One", "Two", "first"] and shown.find("One")[1].selected


def test_dialogs_open_above_each_other():
    shown = Shown(
        b.opens("a", "Open A"), b.dialog("a", "A", b.opens("b", "Open B")), b.dialog("b", "B", closing="Back")
    )
    shown.click("Open A")
    shown.click("Open B")
    assert shown.names == ["B", "Back"]
    shown.click("Back")
    assert shown.names == ["A", "Open B", "Close"]
    shown.click("Close")
    assert shown.names == ["Open A"]


def test_suggestions():
    towns = b.suggestions(["Cork", "Côte"])
    shown = Shown(b.autocomplete("t", "Town", "/towns?x=1"), fragments={"/towns?x=1&q=C+%C3%B4": towns})
    shown.type("Town", " C ô ")
    assert shown.names == ["Town", "Cork", "Côte"] and shown.find("Town")[1].expanded
    shown.click("Côte")
    assert shown.value("Town") == "Côte" and shown.names == ["Town"] and shown.find("Town")[1].expanded is False
    shown.type("Town", "no")
    assert shown.names == ["Town"]
    asked = len(shown.asked)
    shown.type("Town", "  ")
    assert len(shown.asked) == asked


def test_sorting_is_stable_and_turns_round():
    rows = [("Bern", "1,200 EUR"), ("aachen", "free"), ("Cork", "90.5 EUR"), ("Delft", "90.50 EUR")]
    shown = Shown(b.sortable_table("c", [("Town", "text"), ("Price", "number")], rows))

    def towns() -> list[str]:
        return [name for name in shown.names if name in ("Bern", "aachen", "Cork", "Delft")]

    shown.click("Price")
    assert towns() == ["Cork", "Delft", "Bern", "aachen"]
    shown.click("Price")
    assert towns() == ["aachen", "Bern", "Cork", "Delft"]
    shown.click("Town")
    assert towns() == ["aachen", "Bern", "Cork", "Delft"]


def test_stepper_keeps_its_bounds():
    shown = Shown(b.stepper("n", "People", 2, 1, 3))
    for button, value in (("More", "3"), ("More", "3"), ("Fewer", "2"), ("Fewer", "1"), ("Fewer", "1")):
        shown.click(f"{button}: People")
        assert shown.value("People") == value


def test_date_picker():
    shown = Shown(b.date_picker("d", "Day", "2026-12-24", low="2026-12-10", high="2027-01-05"))
    shown.click("Open calendar for Day")
    assert shown.names[0] == "December 2026" and shown.find("9 December 2026")[1].disabled
    shown.click("Next month")
    assert shown.find("6 January 2027")[1].disabled
    shown.click("5 January 2027")
    assert shown.value("Day") == "2027-01-05" and shown.names == ["Day", "Open calendar for Day"]
    shown.click("Open calendar for Day")
    assert shown.names[0] == "January 2027"
    shown.click("Close calendar")
    assert shown.value("Day") == "2027-01-05"


@pytest.mark.parametrize(("month", "weeks"), [("2026-02", 5), ("2027-02", 4), ("2028-02", 5), ("2026-08", 6)])
def test_months_have_all_their_days_in_their_weeks(month, weeks):
    days = [one.get("data-day") for child in calendars.month(month) for one in child.elements() if one.has("data-day")]
    rows = [one for child in calendars.month(month) for one in child.elements() if one.tag == "tr"]
    assert days == sorted(set(days)) and {day[:7] for day in days} == {month} and len(rows) == weeks + 1


def test_load_more_ends_with_the_last():
    fragments = {
        "/m?p=2": b.more("ul", e("li", "b"), after="/m?p=3"),
        "/m?p=3": b.more("ul", e("li", "c")),
    }
    shown = Shown(e("ul", e("li", "a"), id="list"), b.load_more("list", "/m?p=2"), fragments=fragments)
    shown.click("Show more")
    assert shown.names == ["a", "b", "Show more"]
    shown.click("Show more")
    assert shown.names == ["a", "b", "c"]


def test_toast_can_be_put_away():
    shown = Shown(b.toast("Saved"), e("p", "rest"))
    assert shown.names == ["Saved", "Dismiss", "rest"]
    shown.click("Dismiss")
    assert shown.names == ["rest"]


def test_errors_are_tied_to_their_field():
    field = b.labelled("Name", e("input", name="n"), "n", error="Enter a name")
    control = next(one for one in field.elements() if one.tag == "input")
    error = next(one for one in field.elements() if one.get("role") == "alert")
    assert control.get("aria-describedby") == error.get("id") and control.get("aria-invalid") == "true"
