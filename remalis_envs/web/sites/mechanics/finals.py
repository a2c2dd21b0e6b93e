"""The last step, which ends an episode: reviewing a draft and making it final, or settling what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remalis_envs.web.pages.elements import Element, e
from remalis_envs.web.sites import frame
from remalis_envs.web.sites.domain import Service
from remalis_envs.web.sites.mechanics.drafts import Draft, missing, open_draft, stale, version_of
from remalis_envs.web.sites.mechanics.purchase import Purchase
from remalis_envs.web.sites.protocol import Request, Response

if TYPE_CHECKING:
    from remalis_envs.web.sites.world import SiteWorld


def review(world: SiteWorld, draft: Draft) -> Response:
    """What the draft says, and the control that ends it."""
    mechanic = world.mechanic(draft.service)
    pairs = mechanic.summary(world, draft.service, draft.target, draft.slot)
    pairs += [(one.label, draft.values.get(one.name, "") or "not given") for one in draft.service.form]
    return frame.page(
        world.site,
        "Review",
        frame.facts(pairs),
        frame.button_form(mechanic.final_path(draft.service), draft.service.final, version=draft.version),
        frame.button_form("/draft/discard", "Discard draft", version=draft.version),
        e("p", e("a", "Change something", href="/draft")),
    )


def make_final(world: SiteWorld, service: Service, request: Request) -> Response:
    """Makes the draft final, which ends the episode; refused where it is stale or something is missing."""
    draft = open_draft(world)
    if draft is None or draft.service.name != service.name:
        return frame.refused(world.site, "There is no such draft.", ("Home", "/"))
    if version_of(request) != draft.version:
        return stale(world)
    lacking = missing(draft)
    if lacking:
        return frame.refused(world.site, f"Still to be filled in: {', '.join(lacking)}.", ("Open the draft", "/draft"))
    mechanic = world.mechanic(service)
    reason = mechanic.refusal(world, service, draft.target, draft.values)
    if reason:
        return frame.refused(world.site, reason, ("Open the draft", "/draft"))
    if isinstance(mechanic, Purchase) and not world.db.execute("SELECT COUNT(*) FROM basket").fetchone()[0]:
        return frame.refused(world.site, "The basket is empty.", ("Home", "/"))
    world.write(
        request.tab,
        f"final {service.name}",
        [
            *mechanic.finish(world, service, draft.target, draft.slot),
            ("UPDATE draft SET state = 'final'", ()),
            (
                "UPDATE episode SET ended = 1, service = ?, target = ?, detail = ?",
                (service.name, draft.target, draft.slot),
            ),
        ],
        str(draft.target),
    )
    return Response(redirect="/done")


def desk(world: SiteWorld) -> Response:
    """Requests that wait for one word."""
    rows: list[tuple[str | Element, ...]] = []
    found = world.db.execute("SELECT id, service, target, detail FROM pending WHERE state = 'open' ORDER BY id")
    for number, name, target, detail in found.fetchall():
        service = world.domain.services[name]
        row = world.site.row(service.entity, target)
        called = "" if row is None else world.site.name(service.entity, row)
        rows.append((called, detail, frame.button_form(f"/confirm/pending/{number}", service.final)))
    if not rows:
        return frame.notice(world.site, "Waiting for you", "Nothing is waiting.", ("Home", "/"), role="status")
    return frame.page(
        world.site, "Waiting for you", frame.table(("What", "Details", "Decide"), rows, "Requests that wait")
    )


def settle_pending(world: SiteWorld, number: int, request: Request) -> Response:
    """Settles a request that waits, which ends the episode."""
    found = world.db.execute(
        "SELECT service, target, detail FROM pending WHERE id = ? AND state = 'open'", (number,)
    ).fetchone()
    if found is None:
        return frame.refused(world.site, "This is not waiting any more.", ("Back", "/desk"))
    world.write(
        request.tab,
        f"final {found[0]}",
        [
            ("UPDATE pending SET state = 'done' WHERE id = ?", (number,)),
            ("UPDATE episode SET ended = 1, service = ?, target = ?, detail = ?", found),
        ],
        str(number),
    )
    return Response(redirect="/done")
