// Widgets on a browser's document; widgets.py does the same on a tree of elements.
//
// A widget is marked by data-widget and reacts to controls in it: role="tab", or buttons with one of the attributes of
// REACTIONS. Nothing waits for an animation frame, and the only timer is the debounce of a field with suggestions.
(() => {
  "use strict";
  const DEBOUNCE_MS = 40;
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December"];
  const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const widgetOf = (control, name) => control.closest(`[data-widget="${name}"]`);
  const byId = (id) => document.getElementById(id);
  const fold = (text) => text.replace(/\s+/g, " ").trim();

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  // The wrapper of a fragment, or null where the site has none.
  async function ask(address) {
    const answer = await fetch(address);
    if (!answer.ok) return null;
    const template = document.createElement("template");
    template.innerHTML = (await answer.text()).trim();
    return template.content.firstElementChild;
  }

  function selectTab(chosen) {
    for (const tab of widgetOf(chosen, "tabs").querySelectorAll('[role="tab"]')) {
      tab.setAttribute("aria-selected", tab === chosen ? "true" : "false");
      const panel = byId(tab.getAttribute("aria-controls"));
      if (panel) panel.hidden = tab !== chosen;
    }
  }

  function show(dialog) {
    if (dialog && !dialog.open) dialog.showModal();
  }

  const close = (control) => control.closest("dialog")?.close();

  function numberIn(text) {
    const found = text.replaceAll(",", "").match(/-?\d+(\.\d+)?/);
    return found ? Number(found[0]) : Infinity;
  }

  function sort(button) {
    const table = button.closest("table"), heading = button.closest("th"), row = heading.parentElement;
    const column = Array.from(row.children).indexOf(heading);
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const cell of row.children) cell.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const byNumber = button.dataset.sort === "number";
    const key = (line) => {
      const text = line.children[column] ? fold(line.children[column].textContent) : "";
      return byNumber ? numberIn(text) : text.toLowerCase();
    };
    const body = table.querySelector("tbody");
    const lines = Array.from(body.children).map((line) => [key(line), line]);
    const turn = descending ? -1 : 1;
    lines.sort(([a], [b]) => (a < b ? -turn : a > b ? turn : 0));
    body.replaceChildren(...lines.map(([, line]) => line));
  }

  function step(button) {
    const field = widgetOf(button, "stepper").querySelector("input");
    const by = Number(button.dataset.step);
    let value = field.value ? Math.trunc(Number(field.value)) + by : Number(field.min || 0);
    if (field.min) value = Math.max(value, Number(field.min));
    if (field.max) value = Math.min(value, Number(field.max));
    field.value = String(value);
  }

  async function more(button) {
    const target = byId(button.dataset.target), fragment = await ask(button.dataset.more);
    if (!target || !fragment) return;
    const after = fragment.dataset.next;
    target.append(...fragment.childNodes);
    if (after) button.dataset.more = after;
    else button.remove();
  }

  function showSuggestions(widget, nodes) {
    const list = widget.querySelector('[role="listbox"]');
    list.replaceChildren(...nodes);
    list.hidden = nodes.length === 0;
    widget.querySelector("[data-suggests]").setAttribute("aria-expanded", nodes.length ? "true" : "false");
  }

  const waiting = new WeakMap();

  // The last thing typed counts: an answer to anything before it is dropped.
  async function suggest(field) {
    const widget = widgetOf(field, "autocomplete"), value = field.value.trim(), address = field.dataset.suggests;
    let fragment = null;
    if (value) {
      const joint = address.includes("?") ? "&" : "?";
      fragment = await ask(address + joint + new URLSearchParams({ q: value }));
      if (field.value.trim() !== value) return;
    }
    showSuggestions(widget, fragment ? Array.from(fragment.childNodes) : []);
  }

  function take(button) {
    const widget = widgetOf(button, "autocomplete");
    widget.querySelector("[data-suggests]").value = button.dataset.suggestion;
    showSuggestions(widget, []);
  }

  const pad = (number, digits) => String(number).padStart(digits, "0");

  function beside(year, number, by) {
    const months = year * 12 + number - 1 + by;
    return `${pad(Math.floor(months / 12), 4)}-${pad((months % 12) + 1, 2)}`;
  }

  function dayButton(shown, day, number, { widget, field }) {
    const { low, high } = widget.dataset;
    if (day.getUTCMonth() + 1 !== number) return null;
    const iso = day.toISOString().slice(0, 10);
    return make("button", {
      type: "button", "data-day": iso,
      "aria-label": `${day.getUTCDate()} ${MONTHS[number - 1]} ${shown.slice(0, 4)}`,
      "aria-pressed": iso === field.value ? "true" : null,
      disabled: Boolean((low && iso < low) || (high && iso > high)),
    }, String(day.getUTCDate()));
  }

  function showMonth(picker, shown) {
    const year = Number(shown.slice(0, 4)), number = Number(shown.slice(5, 7));
    const day = new Date(Date.UTC(year, number - 1, 1));
    day.setUTCDate(1 - ((day.getUTCDay() + 6) % 7));
    const weeks = [];
    do {
      const week = make("tr", {});
      for (let k = 0; k < 7; k++) {
        week.append(make("td", {}, dayButton(shown, day, number, picker)));
        day.setUTCDate(day.getUTCDate() + 1);
      }
      weeks.push(week);
    } while (day.getUTCMonth() + 1 === number);
    const bar = make("p", { class: "calendar-bar" },
      make("button", { type: "button", "data-month": beside(year, number, -1) }, "Previous month"),
      make("button", { type: "button", "data-month": beside(year, number, 1) }, "Next month"),
      make("button", { type: "button", "data-closes": true }, "Close calendar"));
    const head = make("thead", {}, make("tr", {}, ...DAYS.map((name) => make("th", {}, name))));
    const table = make("table", { class: "calendar" }, head, make("tbody", {}, ...weeks));
    picker.dialog.replaceChildren(make("h2", {}, `${MONTHS[number - 1]} ${shown.slice(0, 4)}`), bar, table);
  }

  function pickerOf(control) {
    const widget = widgetOf(control, "datepicker");
    return { widget, field: widget.querySelector("input"), dialog: widget.querySelector("dialog") };
  }

  function openCalendar(button) {
    const picker = pickerOf(button);
    showMonth(picker, (picker.field.value || picker.widget.dataset.today).slice(0, 7));
    show(picker.dialog);
  }

  function turnMonth(button) {
    showMonth(pickerOf(button), button.dataset.month);
  }

  function pickDay(button) {
    const { field, dialog } = pickerOf(button);
    field.value = button.dataset.day;
    dialog.close();
  }

  const REACTIONS = [
    ["data-opens", (button) => show(byId(button.dataset.opens))],
    ["data-closes", close],
    ["data-sort", sort],
    ["data-step", step],
    ["data-dismiss", (button) => widgetOf(button, "toast").remove()],
    ["data-more", more],
    ["data-suggestion", take],
    ["data-calendar", openCalendar],
    ["data-month", turnMonth],
    ["data-day", pickDay],
  ];

  document.addEventListener("click", (event) => {
    const control = event.target.closest("button");
    if (!control || control.disabled) return;
    if (control.getAttribute("role") === "tab") {
      selectTab(control);
      return;
    }
    const reaction = REACTIONS.find(([name]) => control.hasAttribute(name));
    if (reaction) reaction[1](control);
  });

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.hasAttribute("data-suggests")) return;
    clearTimeout(waiting.get(field));
    waiting.set(field, setTimeout(() => suggest(field), DEBOUNCE_MS));
  });

  for (const dialog of document.querySelectorAll("dialog[data-modal]")) show(dialog);
})();
