"""The login's one draft: filled in page by page, saved, thrown away; stale where another tab changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from remalis_envs.web.pages import building
from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Input, Service
from remalis_envs.web.sites.mechanics.base import Statement
from remalis_envs.web.sites.protocol import Request, Response
from remalis_envs.web.sites.showing import normal

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


STALE = "This draft was changed on another tab since this page was opened. Nothing was sent."


WRONG = {
    "number": "please give a whole number.",
    "money": "please give an amount.",
    "date": "please give a date.",
    "time": "please give a time such as 14:30.",
}


class Draft(NamedTuple):
    """The open draft.

    Attributes:
        service: that it is about.
        target: id of the row.
        slot: that is held, or "".
        version: goes up with each change.
        values: of its fields.
    """

    service: Service
    target: int
    slot: str
    version: int
    values: dict[str, str]


def open_draft(world: SiteWorld) -> Draft | None:
    """The draft that is open, or None."""
    name, target, slot, state, version = world.db.execute(
        "SELECT service, target, slot, state, version FROM draft"
    ).fetchone()
    if state != "open" or name not in world.domain.services:
        return None
    values = dict(world.db.execute("SELECT name, value FROM draft_field"))
    return Draft(world.domain.services[name], target, slot, version, values)


def missing(draft: Draft) -> list[str]:
    """Labels of fields that have to be filled in and are not."""
    return [one.label for one in draft.service.form if not one.optional and not draft.values.get(one.name)]


def control(one: Input, value: str, today: str, error: str) -> Element:
    """The labelled field of an input.

    Args:
        one: the input.
        value: what it holds.
        today: whose month a calendar shows.
        error: what was wrong with it.
    """
    name = one.name
    match one.kind:
        case "choice":
            made = frame.select(name, one.of, value, "Please choose")
        case "flag":
            made = e("input", type="checkbox", name=name, value="yes", checked=True if value == "yes" else None)
        case "number":
            made = e("input", type="number", name=name, value=value or None, step="1")
        case "money":
            made = e("input", type="number", name=name, value=value or None, step="0.01")
        case "date":
            return building.date_picker(name, one.label, today, value, error=error)
        case _:
            made = e("input", type="text", name=name, value=value or None)
    return building.labelled(one.label, made, name, error)


def form(
    world: SiteWorld, draft: Draft, part: int = 1, saved: bool = False, errors: dict[str, str] | None = None
) -> Response:
    """A page of the draft's form.

    Args:
        world: the world.
        draft: that is filled in.
        part: of the form, from 1.
        saved: whether it was just saved.
        errors: field -> what is wrong with it.
    """
    wrong = errors or {}
    mechanic = world.mechanic(draft.service)
    today = world.site.today.isoformat()
    fields = [
        control(one, draft.values.get(one.name, ""), today, wrong.get(one.name, ""))
        for one in mechanic.fields_of(draft.service, part)
    ]
    form = e(
        "form",
        e("input", type="hidden", name="version", value=draft.version),
        e("input", type="hidden", name="part", value=part),
        fields,
        e("button", "Save draft", type="submit"),
        method="post",
        action="/draft/save",
        novalidate=True,
        aria_label="Details",
    )
    others = [one for one in range(1, mechanic.parts + 1) if one != part]
    title = "Your draft" if mechanic.parts == 1 else f"Your draft, part {part} of {mechanic.parts}"
    return frame.page(
        world.site,
        title,
        building.toast("Draft saved.") if saved else None,
        e("p", "Some fields need another look.", role="status") if wrong else None,
        frame.facts(mechanic.summary(world, draft.service, draft.target, draft.slot)),
        form if fields else e("p", "Nothing needs to be filled in."),
        [e("p", e("a", f"Part {one}", href=f"/draft/{one}")) for one in others],
        e("p", e("a", "Review", href="/review")),
        status=400 if wrong else 200,
    )


def version_of(request: Request) -> int:
    """The version of the draft that a form was made from; -1 where it says none."""
    text = dict(request.form).get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def stale(world: SiteWorld) -> Response:
    """The page that says that somebody else was faster."""
    return frame.refused(world.site, STALE, ("Open the draft", "/draft"), ("Review", "/review"))


def save(world: SiteWorld, request: Request) -> Response:
    """Saves a page of the form, or shows it again with what is wrong."""
    draft = open_draft(world)
    if draft is None:
        return frame.refused(world.site, "You have no open draft.", ("Home", "/"))
    if version_of(request) != draft.version:
        return stale(world)
    mechanic = world.mechanic(draft.service)
    text = dict(request.form).get("part", "1")
    part = int(text) if text in [str(one) for one in range(1, mechanic.parts + 1)] else 1
    fields = mechanic.fields_of(draft.service, part)
    sent, errors, values = dict(request.form), {}, {}
    for one in fields:
        value = normal(one, sent.get(one.name, ""))
        if value is None:
            errors[one.name] = f"{one.label}: {WRONG.get(one.kind, 'this is not one of the choices.')}"
            values[one.name] = sent.get(one.name, "")
        else:
            values[one.name] = value
    if errors:
        return form(world, draft._replace(values={**draft.values, **values}), part, errors=errors)
    statements: list[Statement] = [
        ("INSERT OR REPLACE INTO draft_field VALUES (?, ?)", (name, value)) for name, value in values.items()
    ]
    statements.append(("UPDATE draft SET version = version + 1, tab = ?", (request.tab,)))
    world.write(request.tab, "save", statements)
    return Response(redirect="/draft/saved" if part == 1 else f"/draft/{part}/saved")


def discard(world: SiteWorld, request: Request) -> Response:
    """Throws the draft away, and lets go of what it held."""
    draft = open_draft(world)
    if draft is None or version_of(request) != draft.version:
        return stale(world)
    world.write(
        request.tab,
        "discard",
        [
            ("DELETE FROM draft_field", ()),
            ("DELETE FROM hold WHERE service = ? AND target = ?", (draft.service.name, draft.target)),
            ("UPDATE draft SET state = 'discarded', version = version + 1", ()),
        ],
    )
    return frame.notice(world.site, "Draft discarded", "Your draft is gone.", ("Home", "/"), role="status")
