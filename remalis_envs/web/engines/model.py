"""A browser without a browser: the tree that a site answers is the tab's document, deeds act on it directly.

What a site answers is never changed: the first deed that changes a document copies it, so sites may answer the same
page twice, and a saved tab costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from remalis_envs.web.engines import forms, model_tab
from remalis_envs.web.engines.base import Deed, Done, EngineError
from remalis_envs.web.engines.deeds import allows
from remalis_envs.web.engines.model_tab import Entry, Tab
from remalis_envs.web.pages import addresses, widgets
from remalis_envs.web.pages.addresses import Address
from remalis_envs.web.pages.elements import Element
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.pages.reading import Read, read_elements
from remalis_envs.web.pages.tags import chosen_option, field_value
from remalis_envs.web.sites.protocol import Fields, World

REDIRECTS = 20
"""As many as Chromium follows."""
REFUSED = Done("refused")
_NOTHING = Done("done")


class ModelEngine:
    """An :class:`~remalis_envs.web.engines.base.Engine` that shows nothing and answers at once."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._tabs: list[Tab] = []

    @property
    def world(self) -> World:
        """The world that is played in.

        Raises:
            EngineError: no episode has begun.
        """
        if self._world is None:
            raise EngineError("No episode has begun; call reset() first.")
        return self._world

    def reset(self, world: World, tabs: int, episode_seed: int = 0) -> None:
        """Begins an episode; ``episode_seed`` changes nothing here."""
        self._world = world
        self._tabs = [Tab() for _ in range(tabs)]

    def expect(self, deeds: Mapping[int, Deed]) -> None:
        """Nothing to make ready."""

    def act(self, tab: int, deed: Deed) -> Done:
        """Does a deed."""
        state = self._opened(tab)
        state.requested = []
        if deed.kind == "back":
            return self._back(tab, state)
        if deed.kind == "visit":
            self._follow(tab, state, "//" + deed.value)
            return Done("done", tuple(state.requested))
        place = self._place(state, deed.item)
        if place < 0:
            return REFUSED
        assert state.fresh is not None
        if not allows(state.fresh.reading.items[place], deed):
            return REFUSED
        self._do(tab, state, deed, place)
        return Done("done", tuple(state.requested)) if state.requested else _NOTHING

    def read(self, tabs: list[int]) -> list[Reading]:
        """Reads tabs; a tab that has not changed gives the same object again."""
        return [self._read(self._opened(tab)).reading for tab in tabs]

    def save(self) -> list[Tab]:
        """Tabs as they are; they go on with copies of their documents."""
        for tab in self._tabs:
            tab.shared = True
        return [model_tab.twin(tab) for tab in self._tabs]

    def restore(self, saved: list[Tab]) -> None:
        """Puts back what :meth:`save` gave, as often as is wanted."""
        self._tabs = [model_tab.put_back(tab) for tab in saved]

    def close(self) -> None:
        """Forgets everything."""
        self._tabs = []
        self._world = None

    def _opened(self, tab: int) -> Tab:
        if not 0 <= tab < len(self._tabs):
            raise EngineError(f"There is no tab {tab}; reset() opened {len(self._tabs)}.")
        state = self._tabs[tab]
        if state.root is None:
            self._load(tab, state, addresses.parse(self.world.start))
            state.requested = []
        return state

    def _look(self, state: Tab) -> Read:
        """A reading of the document as it is now."""
        if state.fresh is None:
            assert state.root is not None
            page, url = state.page, state.address.url
            if page is not None and page.kept is not None and page.kept[0] == url:
                state.fresh = page.kept[1]
                return state.fresh
            state.fresh = read_elements(state.root, url, state.title)
            if page is not None:  # sites show a page again and again, to one tab and to others
                page.kept = (url, state.fresh)
        return state.fresh

    def _read(self, state: Tab) -> Read:
        state.last, state.left = self._look(state), False
        return state.last

    def _place(self, state: Tab, item: int) -> int:
        """Where in the present reading an item of the last one is; -1 where it is gone."""
        last = state.last or self._read(state)
        if state.left or not 0 <= item < len(last.elements):
            return -1
        fresh = self._look(state)
        if fresh is last:
            return item
        wanted = last.elements[item]
        return next((k for k, element in enumerate(fresh.elements) if element is wanted), -1)

    def _do(self, tab: int, state: Tab, deed: Deed, place: int) -> None:
        kind = deed.kind
        if kind == "click":
            self._click(tab, state, place)
        elif kind == "fill":
            if not deed.value and not self._look(state).reading.items[place].value:
                return  # nothing is typed into nothing, and no script hears of it
            element = self._own(state).elements[place]
            forms.set_value(element, forms.typed_value(element, deed.value))
            if not self._reacts(tab, state, place, typed=True):
                self._patch(state, place)
        elif kind == "choose":
            select = self._own(state).elements[place]
            for option in select.elements():
                if option.tag == "option" and option.text() == deed.value and not option.has("disabled"):
                    forms.choose(select, option)
                    break
            self._patch(state, place)
        elif kind == "toggle":
            self._check(state, place)
        else:
            fresh = self._look(state)
            assert state.root is not None
            form = fresh.forms[place]
            if form is not None:
                button, sent = forms.pressed_by_enter(state.root, form)
                if sent:
                    self._submit(tab, state, form, button)

    def _click(self, tab: int, state: Tab, place: int) -> None:
        fresh = self._look(state)
        item, element = fresh.reading.items[place], fresh.elements[place]
        if item.role == "link":
            self._follow(tab, state, element.get("href"))
        elif item.role == "summary":
            own = self._own(state).elements[place]
            assert state.root is not None
            details = widgets.path_to(state.root, own)[-2]
            forms.mark(details, "open", not details.has("open"))
            state.fresh = None
        elif item.role in ("checkbox", "radio"):
            self._check(state, place)
        elif item.kind == "submit":
            form = fresh.forms[place]
            if form is not None:
                self._submit(tab, state, form, element)
        else:
            self._reacts(tab, state, place, typed=False)

    def _check(self, state: Tab, place: int) -> None:
        own = self._own(state)
        assert state.root is not None
        forms.check(state.root, own.forms[place], own.elements[place])
        if own.reading.items[place].role == "checkbox":
            self._patch(state, place)
        else:
            state.fresh = None

    def _reacts(self, tab: int, state: Tab, place: int, typed: bool) -> bool:
        """Whether a widget reacts to a click or to typing; if one does, it has."""
        before = self._look(state)
        if not widgets.concerns(before.elements[place], typed):
            return False
        element = self._own(state).elements[place]
        assert state.root is not None

        def fetch(href: str) -> Element | None:
            address = addresses.resolve(state.address.url, href)
            state.requested.append(f"GET {address.host}{address.path}")
            answer = self.world.handle(address.request(tab=tab))
            return answer.fragment.copy() if answer.fragment is not None and answer.status < 400 else None

        react = widgets.typed if typed else widgets.clicked
        react(widgets.path_to(state.root, element), fetch)
        state.fresh = None
        return True

    def _own(self, state: Tab) -> Read:
        """The present reading, over a document that is the tab's alone."""
        fresh = self._look(state)
        if not state.shared:
            return fresh
        assert state.root is not None
        twins: dict[int, Element] = {}
        root = model_tab.copy(state.root, twins)
        same = state.last is fresh
        state.fresh = model_tab.moved(fresh, twins)
        if state.last is not None:
            state.last = state.fresh if same else model_tab.moved(state.last, twins)
        state.root, state.shared, state.page = root, False, None
        return state.fresh

    def _patch(self, state: Tab, place: int) -> None:
        """Reads one field again."""
        fresh = self._look(state)
        items, element = list(fresh.reading.items), fresh.elements[place]
        item = items[place]
        if item.checked is not None:
            items[place] = replace(item, checked=element.has("checked"))
        elif element.tag == "select":
            chosen = chosen_option(element)
            items[place] = replace(item, value="" if chosen is None else chosen.text())
        else:
            items[place] = replace(item, value=field_value(element))
        state.fresh = fresh._replace(reading=replace(fresh.reading, items=tuple(items)))

    def _follow(self, tab: int, state: Tab, href: str) -> None:
        address = addresses.resolve(state.address.url, href)
        if address.fragment and address[:3] == state.address[:3]:
            if address.fragment != state.address.fragment:
                assert state.root is not None
                state.history.append(Entry(state.address, state.root, state.document))
                state.address, state.shared = address, True
            return
        self._navigate(tab, state, address, replaces=address == state.address)

    def _submit(self, tab: int, state: Tab, form: Element, button: Element | None) -> None:
        assert state.root is not None
        method, address, fields = forms.submission(state.root, form, button, state.address.url)
        if method == "GET" and address.fragment and address[:3] == state.address[:3]:
            return
        self._navigate(tab, state, address, method, fields)

    def _navigate(
        self,
        tab: int,
        state: Tab,
        address: Address,
        method: str = "GET",
        form: Fields = (),
        replaces: bool = False,
    ) -> None:
        """Goes to a new place; a link to the place where one is replaces it in history, a form does not."""
        assert state.root is not None
        before = Entry(state.address, state.root, state.document)
        self._load(tab, state, address, method, form)
        if not replaces:
            state.history.append(before)

    def _back(self, tab: int, state: Tab) -> Done:
        while state.history and state.history[-1].address.url in state.posted:
            state.history.pop()
        if not state.history:
            return REFUSED
        entry = state.history.pop()
        if entry.document == state.document:
            state.address = entry.address
            return _NOTHING
        self._load(tab, state, entry.address)
        state.document = entry.document
        assert state.root is not None
        drafts = {} if entry.root is state.root else forms.drafts_of(entry.root)
        if drafts and forms.changes(state.root, drafts):
            self._own(state)
            forms.put_back(state.root, drafts)
            state.fresh = None
        return Done("done", tuple(state.requested))

    def _load(self, tab: int, state: Tab, address: Address, method: str = "GET", form: Fields = ()) -> None:
        world = self.world
        state.requested.append(f"{method} {address.host}{address.path}")
        answer = world.handle(address.request(method, form, tab))
        for _ in range(REDIRECTS):
            if not answer.redirect:
                break
            method = "GET"
            to = answer.redirect
            address = addresses.parse(address.host + to if to.startswith("/") else to)
            answer = world.handle(address.request(tab=tab))
        if answer.page is None:
            raise EngineError(f"{address.url} answered no page to {method}; a place that a tab can go to must.")
        if method == "POST":
            state.posted |= {address.url}
        state.documents += 1
        state.document = state.documents
        state.page, state.address = answer.page, address
        state.root, state.title = answer.page.body, answer.page.title
        state.shared, state.fresh, state.left = True, None, True
