"""A small site that has every widget, a stranger beside it, and pages to come back to."""

from __future__ import annotations

import json

from remalis_envs.web.pages import building as b
from remalis_envs.web.pages.elements import Content, Page, e
from remalis_envs.web.sites.protocol import Request, Response

TOWNS = ("Aachen", "Bergen", "Cork", "Delft", "Évora", "Fürth", "Ghent", "Bern", "Berlin <Mitte>", "Côte & Mer")


class WidgetWorld:
    """Sites ``main`` and ``desk``."""

    hosts = ("main", "desk")
    start = "main/"
    now = 1_777_593_600.0

    def __init__(self) -> None:
        self.sent: list[str] = []

    def save(self) -> bytes:
        return json.dumps(self.sent).encode()

    def load(self, saved: bytes) -> None:
        self.sent = json.loads(saved)

    def handle(self, request: Request) -> Response:
        fields = dict(request.query)
        if request.method == "POST":
            return self._post(request)
        if request.host == "desk":
            form = e(
                "form", e("input", name="w", aria_label="Word", title="t"), e("button", "Go"), action="//main/echo"
            )
            return Response(page=self._page("Desk", "civic", form, e("a", "Back to main", href="//main/?from=desk")))
        if request.path == "/towns":
            query = fields.get("q", "").lower()
            found = [town for town in TOWNS if query in town.lower()]
            return Response(fragment=b.suggestions(found))
        if request.path == "/more":
            return Response(fragment=self._more(int(fields.get("page", "2"))))
        pages = {"/": self._widgets, "/form": self._form, "/table": self._table, "/echo": self._echo}
        if request.path in pages:
            return Response(page=pages[request.path](request))
        if request.path == "/away":
            return Response(redirect="desk/?from=away")
        return Response(page=self._page("No such page", "plain", e("a", "Home", href="/")), status=404)

    def _post(self, request: Request) -> Response:
        self.sent.append(f"{request.path} {request.form}")
        form = dict(request.form)
        if request.path == "/draft/again":
            return Response(redirect="/form")
        if form.get("name", "").strip():
            return Response(redirect="/echo?sent=1")
        return Response(redirect="/form?wrong=1")

    def _page(self, title: str, theme: str, *content: Content) -> Page:
        links = [("Widgets", "/"), ("Form", "/form"), ("Table", "/table"), ("Desk", "//desk/"), ("Away", "/away")]
        nav = e("nav", e("ul", [e("li", e("a", name, href=href)) for name, href in links]), aria_label="Main")
        return Page(title, e("body", e("header", nav), e("main", e("h1", title), *content)), theme)

    def _widgets(self, request: Request) -> Page:
        return self._page(
            "Widgets",
            "plain",
            b.toast(f"{len(self.sent)} forms were sent & kept"),
            b.tabs(
                "when",
                [
                    ("By day", e("p", "Pick a ", e("em", "day"), ".")),
                    (
                        "By week",
                        [e("h2", "Weeks"), e("label", e("input", type="checkbox", name="loose"), "Every week")],
                    ),
                    ("By month", e("ul", [e("li", month) for month in ("May", "June")])),
                ],
            ),
            b.opens("terms", "Read the terms"),
            b.dialog(
                "terms",
                "Terms",
                e("p", "All sales are final."),
                e("label", e("input", type="checkbox", name="agreed"), "I agree"),
                b.opens("small", "Small print"),
            ),
            b.dialog("small", "Small print", e("p", "Not quite final."), closing="Close small print"),
            b.details("Opening hours", e("p", "Nine to five"), b.details("On holidays", e("p", "Closed"))),
            e(
                "section",
                e("h2", "News"),
                e(
                    "ul",
                    [e("li", e("a", f"Story {k}", href=f"/echo?story={k}"), " is long") for k in (1, 2)],
                    id="news",
                ),
                b.load_more("news", "/more?page=2"),
            ),
            e(
                "dl",
                e("dt", "Phone"),
                e("dd", "0123 456"),
                e("dt", "Post"),
                e("dd", "Box 7, ", e("a", "map", href="#m")),
            ),
            e("p", "Jump to the ", e("a", "foot", href="#foot"), " of this page", e("span", " (secret)", hidden=True)),
        )

    def _more(self, page: int):
        items = [e("li", e("a", f"Story {k}", href=f"/echo?story={k}")) for k in (page * 2 - 1, page * 2)]
        return b.more("ul", items, after=f"/more?page={page + 1}" if page < 3 else "")

    def _form(self, request: Request) -> Page:
        wrong = dict(request.query).get("wrong")
        return self._page(
            "Form",
            "market",
            e("p", "Something is missing.", role="alert") if wrong else None,
            e(
                "form",
                b.labelled("Name", e("input", name="name", maxlength=12), "name", "Enter a name" if wrong else ""),
                b.labelled("E-mail", e("input", type="email", name="mail", value="a@b.test"), "mail", hint="To reply"),
                b.autocomplete("town", "Town", "/towns"),
                b.date_picker("day", "Day", "2026-05-14", low="2026-05-03", high="2026-08-20"),
                b.stepper("people", "People", 2, 1, 5),
                e(
                    "fieldset",
                    e("legend", "Seat"),
                    [
                        e("label", e("input", type="radio", name="seat", value=seat, checked=seat == "aisle"), seat)
                        for seat in ("window", "aisle", "middle")
                    ],
                ),
                b.labelled(
                    "Class",
                    e(
                        "select",
                        [e("option", text, value=k) for k, text in enumerate(("Any class", "First", "Second"))],
                        e("option", "Third", disabled=True),
                        name="class",
                    ),
                    "class",
                ),
                e("label", e("input", type="checkbox", name="extras", value="meal"), "Meal"),
                e("label", e("input", type="checkbox", name="extras", value="bag", checked=True), "Bag"),
                b.labelled("Wishes", e("textarea", "None\n<yet>", name="wishes"), "wishes"),
                e("fieldset", e("legend", "Closed"), e("input", name="off", aria_label="Off"), disabled=True),
                e("input", name="fixed", value="fixed", aria_label="Fixed", readonly=True),
                e("input", type="hidden", name="token", value="x~y*z +ä"),
                e("button", "Send", name="how", value="now"),
                e("button", "Save", type="submit", formaction="/draft/again"),
                e("button", "Refused", disabled=True),
                action="/submit",
                method="post",
                novalidate=True,
            ),
            e("input", type="checkbox", name="outside", aria_label="Outside of forms"),
        )

    def _table(self, request: Request) -> Page:
        rows = [("Oslo", "1,200 EUR", 3), ("Rome", "90.50 EUR", 12), ("Bonn", "free", 7), ("Nice", "90.50 EUR", 1)]
        cells = [(name, price, str(days), e("a", "Book", href=f"/echo?to={name}")) for name, price, days in rows]
        heads = [("Town", "text"), ("Price", "number"), ("Days", "number"), ("Order", "")]
        return self._page(
            "Table",
            "civic",
            e(
                "form",
                e("input", type="search", name="q", value=dict(request.query).get("q", ""), placeholder="Find towns"),
                e("select", [e("option", text) for text in ("Cheapest", "Nearest")], name="order", aria_label="Order"),
                e("button", "Find"),
                action="/table",
            ),
            b.sortable_table("Journeys", heads, cells),
            e(
                "table",
                e("tr", e("th", "Code", scope="row"), e("td", "A 1"), e("td", e("button", "Hold", type="button"))),
            ),
        )

    def _echo(self, request: Request) -> Page:
        told = [e("li", f"{name} = {value}") for name, value in request.query]
        link = e("a", "Again", href="?" + "again=1")
        return self._page("Echo", "plain", e("ol", told), e("p", str(len(self.sent)), " sent"), link)
