"""What the sites do: search, drafts that go stale, slots held by a tab, the final step, snapshots, bad requests."""

from __future__ import annotations

import pytest

from remalis_envs.web.pages.elements import Element
from remalis_envs.web.sites.database import site_blob
from remalis_envs.web.sites.drawing import draw_site
from remalis_envs.web.sites.protocol import Fields, Request, Response
from remalis_envs.web.sites.world import SiteWorld


def world(domain: str = "library", seed: int = 2, level: str = "medium") -> SiteWorld:
    return SiteWorld(draw_site(domain, seed), level, site_blob(domain, seed))


def get(sites: SiteWorld, path: str, host: str = "main", tab: int = 0) -> Response:
    path, _, query = path.partition("?")
    fields: Fields = tuple(tuple(one.split("=", 1)) for one in query.split("&") if one)  # type: ignore[misc]
    return sites.handle(Request(host, path, "GET", fields, (), tab))


def post(sites: SiteWorld, path: str, tab: int = 0, host: str = "main", **form: str) -> Response:
    return sites.handle(Request(host, path, "POST", (), tuple(form.items()), tab))


def text(answer: Response) -> str:
    assert answer.page is not None
    return answer.page.body.text()


def follow(sites: SiteWorld, answer: Response, tab: int = 0) -> Response:
    assert answer.redirect, text(answer)
    return get(sites, answer.redirect, tab=tab)


def version(answer: Response) -> str:
    assert answer.page is not None
    return next(one.get("value") for one in answer.page.body.elements() if one.get("name") == "version")


def links(answer: Response) -> list[str]:
    assert answer.page is not None
    return [one.get("href") for one in answer.page.body.elements() if one.tag == "a"]


def renewable(sites: SiteWorld) -> int:
    return next(row["id"] for row in sites.site.rows["loan"] if row["renewals"] < 3 and not row["waiting"])


def drafted(sites: SiteWorld, tab: int = 0) -> str:
    """Begins a renewal and fills it in; gives the version that the review shows."""
    number = renewable(sites)
    page = follow(sites, post(sites, f"/account/start/renew/{number}", tab), tab)
    post(sites, "/draft/save", tab, version=version(page), weeks="2 weeks")
    return version(get(sites, "/review", tab=tab))


@pytest.mark.parametrize("domain", ["library", "clinic", "shop", "tax_office"])
@pytest.mark.parametrize("level", ["medium", "hard"])
def test_every_link_leads_somewhere(domain, level):
    sites, seen, waiting = world(domain, 1, level), set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith("//"):
            continue
        seen.add(path)
        answer = get(sites, path)
        assert answer.status == 200, path
        waiting += links(answer)
    assert len(seen) > 60


def test_search_filters_and_sorts():
    sites = world()
    answer = get(sites, "/search/book?subject=poetry&sort=Pages: up")
    books = [row for row in sites.site.rows["book"] if row["subject"] == "poetry"]
    assert f"{len(books)} book" in text(answer)
    shown = [href for href in links(answer) if href.startswith("/item/book/")]
    assert shown == [f"/item/book/{row['id']}" for row in sorted(books, key=lambda row: row["pages"])][:12]


def test_search_by_words_finds_only_what_lists_show():
    sites = world()
    title = sites.site.rows["book"][0]["title"]
    assert f"/item/book/{1}" in links(get(sites, f"/search/book?q={title.lower()}"))
    shelf = sites.site.rows["book"][0]["shelf"]
    assert "0 books found" in text(get(sites, f"/search/book?q={shelf}"))


def test_a_rule_refuses():
    sites = world()
    row = next(row for row in sites.site.rows["book"] if row["reference"])
    answer = post(sites, f"/draft/start/reserve_book/{row['id']}")
    assert answer.status == 409 and "reference only" in text(answer)
    assert "no open draft" in text(get(sites, "/draft"))


def test_final_ends_and_nothing_changes_after():
    sites = world()
    shown = drafted(sites)
    assert not sites.ended
    assert post(sites, "/confirm/renew", tab=6, version=shown).redirect == "/done"
    assert sites.ended
    number = renewable(sites)
    assert (
        sites.db.execute("SELECT status FROM owned WHERE entity = 'loan' AND id = ?", (number,)).fetchone()[0]
        == "renewed"
    )
    assert post(sites, f"/account/start/renew/{number}").status == 409


def test_a_draft_that_another_tab_changed_is_stale():
    sites = world()
    shown = drafted(sites)
    page = get(sites, "/draft", tab=1)
    post(sites, "/draft/save", tab=1, version=version(page), weeks="4 weeks")
    answer = post(sites, "/confirm/renew", tab=6, version=shown)
    assert answer.status == 409 and "changed on another tab" in text(answer) and not sites.ended


def test_incomplete_drafts_are_refused():
    sites = world()
    page = follow(sites, post(sites, f"/account/start/renew/{renewable(sites)}"))
    answer = post(sites, "/confirm/renew", version=version(page))
    assert "Still to be filled in: Renew for" in text(answer) and not sites.ended


def test_inline_errors():
    sites = world()
    row = next(row for row in sites.site.rows["book"] if not row["reference"])
    page = follow(sites, post(sites, f"/draft/start/reserve_book/{row['id']}"))
    answer = post(sites, "/draft/save", version=version(page), days="soon", collect="lockers")
    assert answer.status == 400 and "Keep for days: please give a whole number." in text(answer)
    assert not sites.db.execute("SELECT COUNT(*) FROM draft_field").fetchone()[0]


def test_a_slot_is_held_for_one_tab():
    sites = world()
    number = next(row["id"] for row in sites.site.rows["room"] if not row["adults"])
    free = [slot for (slot,) in sites.db.execute("SELECT slot FROM slot WHERE target = ? AND NOT taken", (number,))]
    start = f"/hold/start/book_room/{number}"
    assert post(sites, start, tab=1, slot=free[0]).redirect == "/draft"
    answer = post(sites, start, tab=2, slot=free[0])
    assert answer.status == 409 and "held for another tab" in text(answer)
    assert post(sites, start, tab=1, slot=free[1]).redirect == "/draft"
    assert post(sites, start, tab=2, slot=free[0]).redirect == "/draft"
    assert sites.db.execute("SELECT COUNT(*) FROM hold").fetchone()[0] == 2


def test_a_basket_that_changes_makes_the_checkout_stale():
    sites = world("shop")
    row, other = [row for row in sites.site.rows["product"] if row["left"] and not row["trade"]][:2]
    assert post(sites, f"/basket/add/order/{row['id']}", quantity="2.00").redirect == "/basket"
    page = follow(sites, post(sites, "/draft/checkout/order"))
    post(sites, f"/basket/add/order/{other['id']}", tab=3, quantity="1")
    assert post(sites, "/draft/save", version=version(page)).status == 409


def test_an_application_has_two_parts_and_wants_a_document():
    sites = world("tax_office")
    from remalis_envs.web.sites.mechanics import MECHANICS

    service = sites.domain.services["apply"]
    row = next(r for r in sites.site.rows["relief"] if not MECHANICS["application"].excluded(sites.site, service, r))
    page = follow(sites, post(sites, f"/draft/start/apply/{row['id']}"))
    post(sites, "/draft/save", version=version(page), part="1", tax_number="1", since="2030-01-01", household="2")
    page = get(sites, "/draft/2")
    post(sites, "/draft/save", version=version(page), part="2", fee="1")
    answer = post(sites, "/submit/apply", version=version(get(sites, "/review")))
    assert "at least one document" in text(answer) and not sites.ended


def test_snapshots_are_exact():
    sites = world()
    shown = drafted(sites)
    kept = sites.save()
    post(sites, "/confirm/renew", version=shown)
    assert sites.ended
    sites.load(kept)
    assert not sites.ended and sites.save() == kept
    assert post(sites, "/confirm/renew", version=shown).redirect == "/done"


def test_pages_loaded_in_any_order_leave_the_same_bytes():
    from remalis_envs.web.tasks.generate import draw_task

    first, second = (draw_task("library", "hard", 3).world for _ in range(2))
    watched = [what for (what,) in first.db.execute("SELECT what FROM seen") if not what.startswith(("calc", "found"))]
    assert len(watched) > 1
    for sites, order in ((first, watched), (second, watched[::-1])):
        for what in order:
            host = "calendar" if what.startswith("calendar") else "main"
            get(sites, "/" + what.removeprefix("calendar/"), host)
    assert first.save() == second.save()


def test_calculator():
    sites = world()
    answer = get(sites, "/result?a=£12.50&op=times&b=3", "calculator")
    assert "Result 37.50" in text(answer)
    assert "cannot be worked out" in text(get(sites, "/result?a=1&op=divided by&b=0", "calculator"))


def test_calendar():
    sites = world()
    date = sites.site.today.isoformat()
    post(sites, "/add", host="calendar", date=date, time="10:00", title="our room")
    assert "10:00 our room" in text(get(sites, "/", "calendar"))
    assert post(sites, "/add", host="calendar", date="soon", title="x").status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/item/book/999",
        "/item/book/-1",
        "/item/book/²",
        "/item/reader/1",
        "/item/book/1/x",
        "/account/book/1",
        "/messages/0",
        "/messages/99",
        "/help/x",
        "/search/loan",
        "/draft/9",
        "/more/book?after=x",
    ],
)
def test_bad_addresses(path):
    sites = world()
    drafted(sites)
    assert get(sites, path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/draft/start/none/1",
        "/draft/start/renew/1",
        "/hold/start/book_room/x",
        "/confirm/none",
        "/confirm/pending/7",
    ],
)
def test_bad_posts_change_nothing(path):
    sites = world()
    before = sites.save()
    assert post(sites, path, version="x", slot="y").status in (404, 409)
    assert sites.save() == before


def test_fragments():
    sites = world()
    more = get(sites, "/more/book?after=3").fragment
    assert isinstance(more, Element) and len(more.children) == 6 and more.get("data-next") == "/more/book?after=9"
    name = sites.site.rows["book"][0]["title"][:4]
    found = get(sites, f"/suggest/book?q={name}").fragment
    assert found is not None and 1 <= len(found.children) <= 5


def test_messages_are_in_one_place():
    for seed in range(6):
        sites = world("museum", seed)
        code = sites.site.rows["member"][0]["code"]
        letter = get(sites, "/letter/1", "mail")
        message = get(sites, "/messages/1")
        holder, other = (letter, message) if sites.site.by_mail else (message, letter)
        assert code in text(holder) and other.status == 404
        assert code not in text(get(sites, "/account"))


def test_manual_tells_the_rules():
    sites = world()
    chapters = "".join(text(get(sites, f"/chapter/{number}", "manual")) for number in range(1, 5))
    assert all(rule.text in chapters for rule in sites.domain.rules)
    assert get(sites, "/chapter/9", "manual").status == 404


def test_map_agrees_with_the_nearest():
    from remalis_envs.web.sites import maps

    sites = world()
    page = get(sites, "/from/harbour", "map").page
    assert page is not None
    trs = [row for row in page.body.elements() if row.tag == "tr"][1:]
    rows = [[cell.text() for cell in row.children if isinstance(cell, Element)] for row in trs]
    best = min(rows, key=lambda row: float(row[1]))
    number = maps.nearest(sites.site, "harbour", "branch")
    assert number and sites.site.rows["branch"][number - 1]["name"] == best[0]
    assert get(sites, "/from/moon", "map").status == 404
