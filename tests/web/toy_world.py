"""Two small sites for tests of engines: a shop with a form, a list and redirects, and a tool site beside it."""

from __future__ import annotations

import json

from remalis_envs.web.pages.elements import Element, Page, e
from remalis_envs.web.sites.protocol import Request, Response

GOODS = ("Lamp", "Chair", "Desk", "Shelf", "Rug", "Clock")


class ToyWorld:
    """Sites ``main`` and ``calculator``; everything that lasts is a basket, a note and a log of writes."""

    hosts = ("main", "calculator")
    start = "main/"
    now = 1_777_593_600.0

    def __init__(self) -> None:
        self.basket: list[str] = []
        self.note = ""
        self.log: list[str] = []

    def handle(self, request: Request) -> Response:
        if request.host == "calculator":
            return self._calculate(request)
        if request.method == "POST":
            return self._write(request)
        if request.path == "/":
            return Response(page=self._home())
        if request.path == "/search":
            return Response(page=self._results(dict(request.query).get("q", "")))
        if request.path.startswith("/goods/"):
            return Response(page=self._good(request.path.rsplit("/", 1)[1]))
        if request.path == "/old":
            return Response(redirect="/")
        return Response(page=Page("Not found", e("body", e("h1", "Not found"), e("a", "Home", href="/"))), status=404)

    def save(self) -> bytes:
        return json.dumps([self.basket, self.note, self.log]).encode()

    def load(self, saved: bytes) -> None:
        self.basket, self.note, self.log = json.loads(saved)

    def _write(self, request: Request) -> Response:
        form = dict(request.form)
        self.log.append(f"{request.tab} {request.path} {sorted(request.form)}")
        if request.path == "/basket/add":
            self.basket.append(form.get("good", ""))
        elif request.path == "/draft/note":
            self.note = form.get("note", "")
        return Response(redirect="/")

    def _frame(self, title: str, *content: Element) -> Page:
        nav = e("nav", e("a", "Home", href="/"), e("a", "Calculator", href="//calculator/"), aria_label="Main")
        return Page(title, e("body", nav, e("main", e("h1", title), content)))

    def _home(self) -> Page:
        return self._frame(
            "Toy shop",
            e("p", "The basket holds ", e("strong", str(len(self.basket))), " things."),
            e(
                "form",
                e("label", "Search for", for_="q"),
                e("input", type="search", name="q", id="q"),
                e("label", e("input", type="checkbox", name="stock", value="1"), "Only in stock"),
                e("button", "Search"),
                action="/search",
            ),
            e(
                "form",
                e(
                    "fieldset",
                    e("legend", "Note to the shop"),
                    e("label", "Note", e("textarea", self.note, name="note")),
                    e("label", e("input", type="radio", name="when", value="now"), "Now"),
                    e("label", e("input", type="radio", name="when", value="later", checked=True), "Later"),
                    e("label", "Size", for_="size"),
                    e("select", [e("option", size) for size in ("Small", "Large")], name="size", id="size"),
                    e("label", "Pieces", for_="pieces"),
                    e("input", type="number", name="pieces", id="pieces", value="1"),
                    e("label", "Day", for_="day"),
                    e("input", type="date", name="day", id="day"),
                    e("button", "Save note", name="how", value="save"),
                ),
                action="/draft/note",
                method="post",
                novalidate=True,
            ),
            e("details", e("summary", "Opening hours"), e("p", "From nine to five.")),
        )

    def _results(self, query: str) -> Page:
        found = [good for good in GOODS if query.lower() in good.lower()]
        rows = [e("tr", e("td", e("a", good, href=f"/goods/{good}")), e("td", f"{len(good)} EUR")) for good in found]
        table = e("table", e("thead", e("tr", e("th", "Good"), e("th", "Price"))), e("tbody", rows))
        return self._frame("Results", e("p", f"{len(found)} found", role="status"), table)

    def _good(self, name: str) -> Page:
        button = e("form", e("input", type="hidden", name="good", value=name), e("button", "Add to basket"))
        button.attributes.update(action="/basket/add", method="post")
        return self._frame(name, e("dl", e("dt", "Price"), e("dd", f"{len(name)} EUR")), button)

    def _calculate(self, request: Request) -> Response:
        fields = dict(request.query)
        digits = fields.get("a", "0") + fields.get("b", "0")
        total = int(fields.get("a") or 0) + int(fields.get("b") or 0) if digits.isdigit() else 0
        form = e(
            "form",
            e("input", type="number", name="a", aria_label="First"),
            e("input", type="number", name="b", aria_label="Second"),
            e("button", "Add"),
            action="/",
        )
        home = e("a", "Shop", href="//main/")
        return Response(page=Page("Calculator", e("body", e("h1", "Calculator"), home, form, e("output", str(total)))))
