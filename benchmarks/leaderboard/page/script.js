(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches || location.hash === "#dark";
  root.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").onclick = () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if ("fixed" in head.dataset) return;
      head.onclick = () => {
        const down = head.dataset.sort === "up";
        heads.forEach((other) => delete other.dataset.sort);
        head.dataset.sort = down ? "down" : "up";
        const value = (body) => body.rows[0].cells[column].dataset.v ?? "";
        const bodies = [...table.tBodies].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          if (x === "" || y === "") return (x === "") - (y === "");
          const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
          return down ? -order : order;
        });
        table.append(...bodies);
      };
    });
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (button?.classList.contains("open")) {
      const more = button.closest("tbody").rows[1];
      more.hidden = !more.hidden;
      button.setAttribute("aria-expanded", String(!more.hidden));
    } else if (button?.classList.contains("copy")) {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 1200);
    }
  });

  for (const section of document.querySelectorAll("section")) {
    const drawn = [...section.querySelectorAll(".curve, .label[data-m]:not([data-m=''])")];
    const single = (method) => {
      for (const part of drawn) part.classList.toggle("faded", method !== null && part.dataset.m !== method);
    };
    for (const place of section.querySelectorAll("tbody[data-m], .label[data-m]:not([data-m=''])")) {
      const method = place.dataset.m;
      place.addEventListener("mouseenter", () => drawn.some((p) => p.dataset.m === method) && single(method));
      place.addEventListener("mouseleave", () => single(null));
    }
  }
})();
