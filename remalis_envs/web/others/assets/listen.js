// Runs before any script of another's page, in the page's own world: marks the elements that hear clicks, for
// reader.js, which runs in a world of its own and cannot ask; and lets the page's clock move by itself.
(() => {
  "use strict";
  const MARK = "data-remalis-hears";
  const HEARD = new Set(["click", "mousedown", "mouseup", "dblclick", "pointerdown", "pointerup"]);
  const NATIVE = new Set(["a", "button", "input", "select", "textarea", "summary", "body", "html", "label", "form"]);
  const { addEventListener } = EventTarget.prototype;
  const { setAttribute } = Element.prototype;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (HEARD.has(type) && this instanceof Element && !NATIVE.has(this.localName)) setAttribute.call(this, MARK, "");
    return addEventListener.call(this, type, ...rest);
  };

  // A clock that stands would hold up animations for ever; this one moves on whenever it is read, the same each time.
  const STEP_MS = 20;
  const Stopped = window.Date;
  let now = Stopped.now();
  const Moving = function Date(...parts) {
    if (!new.target) return new Stopped(now).toString();
    return Reflect.construct(Stopped, parts.length ? parts : [(now += STEP_MS)], new.target);
  };
  Moving.prototype = Stopped.prototype;
  Moving.prototype.constructor = Moving;
  Object.defineProperties(Moving, {
    now: { value: () => (now += STEP_MS) }, parse: { value: Stopped.parse }, UTC: { value: Stopped.UTC },
  });
  window.Date = Moving;
})();
