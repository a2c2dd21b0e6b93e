"""Makes the trees of widgets, so that a site writes what a widget holds and never how it is marked."""

from __future__ import annotations

from collections.abc import Sequence

from remalis_envs.web.pages.elements import Content, Element, e


def tabs(name: str, panels: Sequence[tuple[str, Content]], chosen: int = 0) -> Element:
    """Tabs, of whose panels one is shown.

    Args:
        name: unique on the page; ids are made of it.
        panels: label and content of each.
        chosen: place of the one that is shown at first.
    """
    labels = [
        e(
            "button",
            label,
            type="button",
            role="tab",
            id=f"{name}-tab-{k}",
            aria_controls=f"{name}-panel-{k}",
            aria_selected="true" if k == chosen else "false",
        )
        for k, (label, _) in enumerate(panels)
    ]
    shown = [
        e(
            "div",
            content,
            role="tabpanel",
            id=f"{name}-panel-{k}",
            aria_labelledby=f"{name}-tab-{k}",
            hidden=k != chosen,
        )
        for k, (_, content) in enumerate(panels)
    ]
    return e("div", e("div", labels, role="tablist"), shown, data_widget="tabs")


def dialog(name: str, title: str, *content: Content, opened: bool = False, closing: str = "Close") -> Element:
    """A modal dialog; a button made by :func:`opens` opens it.

    Args:
        name: its id.
        title: its heading.
        *content: below the heading.
        opened: whether it is open when the page is shown.
        closing: label of the button that closes it.
    """
    return e(
        "dialog",
        e("h2", title),
        *content,
        e("button", closing, type="button", data_closes=True),
        id=name,
        aria_label=title,
        open=opened,
        data_modal="1" if opened else None,
    )


def opens(name: str, label: str) -> Element:
    """A button that opens the dialog of that id."""
    return e("button", label, type="button", data_opens=name, aria_haspopup="dialog")


def details(summary: str, *content: Content, opened: bool = False) -> Element:
    """A disclosure."""
    return e("details", e("summary", summary), *content, open=opened)


def labelled(label: str, control: Element, name: str, error: str = "", hint: str = "") -> Element:
    """A field with its label, and what the site found wrong with it.

    Args:
        label: in words.
        control: an input, select or text area; it is given an id.
        name: unique on the page; ids are made of it.
        error: what is wrong, "" for nothing.
        hint: how to fill it in.
    """
    control.attributes["id"] = f"{name}-field"
    if error:
        control.attributes.update({"aria-invalid": "true", "aria-describedby": f"{name}-error"})
    return e(
        "div",
        e("label", label, for_=f"{name}-field"),
        control,
        e("p", hint, class_="hint") if hint else None,
        e("p", error, role="alert", id=f"{name}-error", class_="error") if error else None,
        class_="field",
    )


def autocomplete(name: str, label: str, source: str, value: str = "", error: str = "") -> Element:
    """A field that suggests what could be meant while one types.

    Args:
        name: of the form field.
        label: in words.
        source: address that answers ``?q=...`` with :func:`suggestions`.
        value: what it holds at first.
        error: what is wrong with it.
    """
    control = e(
        "input",
        type="text",
        name=name,
        value=value or None,
        role="combobox",
        autocomplete="off",
        aria_expanded="false",
        aria_controls=f"{name}-list",
        data_suggests=source,
    )
    shown = e("ul", role="listbox", id=f"{name}-list", class_="suggestions", hidden=True)
    return e("div", labelled(label, control, name, error), shown, data_widget="autocomplete")


def suggestions(texts: Sequence[str]) -> Element:
    """The fragment that a field with suggestions asks for."""
    return e("ul", [e("li", e("button", text, type="button", data_suggestion=text)) for text in texts])


def sortable_table(caption: str, heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[Content]]) -> Element:
    """A table that is sorted by a click on a heading.

    Args:
        caption: what it shows.
        heads: heading of each column, and how it is sorted: ``text``, ``number``, or "" for not at all. Dates written
            ``YYYY-MM-DD`` sort as text.
        rows: contents of their cells.
    """
    head = [
        e("th", e("button", label, type="button", data_sort=kind) if kind else label, scope="col")
        for label, kind in heads
    ]
    body = [e("tr", [e("td", cell) for cell in row]) for row in rows]
    return e(
        "table",
        e("caption", caption),
        e("thead", e("tr", head)),
        e("tbody", body),
        data_widget="sortable",
    )


def date_picker(
    name: str, label: str, today: str, value: str = "", low: str = "", high: str = "", error: str = ""
) -> Element:
    """A date field with a calendar beside it.

    Bounds stand on the widget, not on the field: with ``min`` and ``max`` Chromium locks parts of a date field, which
    then neither takes what is typed nor comes back as it was. The site checks what it is sent anyway.

    Args:
        name: of the form field.
        label: in words.
        today: ``YYYY-MM-DD``, whose month the calendar shows when the field is empty.
        value: what it holds at first.
        low: first day that the calendar offers, or "".
        high: last day that it offers, or "".
        error: what is wrong with it.
    """
    control = e("input", type="date", name=name, value=value or None)
    return e(
        "div",
        labelled(label, control, name, error),
        e("button", f"Open calendar for {label}", type="button", data_calendar=True, aria_haspopup="dialog"),
        e("dialog", aria_label=f"Calendar for {label}", class_="calendar-dialog"),
        data_widget="datepicker",
        data_today=today,
        data_low=low or None,
        data_high=high or None,
    )


def stepper(name: str, label: str, value: int, low: int, high: int, error: str = "") -> Element:
    """A whole number between two buttons that take from it and add to it."""
    control = e("input", type="number", name=name, value=value, min=low, max=high, step=1)
    return e(
        "div",
        labelled(label, control, name, error),
        e("button", "−", type="button", data_step=-1, aria_label=f"Fewer: {label}"),
        e("button", "+", type="button", data_step=1, aria_label=f"More: {label}"),
        data_widget="stepper",
    )


def toast(text: str, dismissing: str = "Dismiss") -> Element:
    """A message about what was just done, which can be put away."""
    return e(
        "div",
        e("p", text, role="status"),
        e("button", dismissing, type="button", data_dismiss=True),
        class_="toast",
        data_widget="toast",
    )


def load_more(target: str, source: str, label: str = "Show more") -> Element:
    """A button that adds what comes next to a list or table body.

    Args:
        target: id of what it is added to.
        source: address that answers with :func:`more`.
        label: of the button.
    """
    return e("button", label, type="button", data_widget="load-more", data_target=target, data_more=source)


def more(tag: str, *content: Content, after: str = "") -> Element:
    """The fragment that a load-more button asks for.

    Args:
        tag: of what it is added to: ``ul``, ``tbody``.
        *content: what is added.
        after: address of what comes next; "" where this was the last.
    """
    return e(tag, *content, data_next=after or None)
