// Drawing specifications with Vega, in the page's theme.

const charts = new Set();
const soon = new Map();
const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !soon.has(target)) continue;
      near.unobserve(target);
      soon.get(target)();
      soon.delete(target);
    }
  },
  { rootMargin: "100%" },
);

function themeName() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// What draws into `holder` what `plan()` gives, {specification, rows, params, config}, and gives Vega's view to
// `after`: `start` when the holder is about to be seen, and then where the theme or the width changes.
function chart(holder, plan, after) {
  const one = { holder, draw, start, width: 0, view: null };
  // Screen readers are told by the holder; Vega would name what it draws into itself.
  const inside = make("div", { "aria-hidden": "true" });
  holder.append(inside);

  // Resolves when what is to be seen at once is drawn.
  function start() {
    if (typeof vegaEmbed === "undefined") return draw();
    if (holder.getBoundingClientRect().top < 2 * innerHeight) return draw();
    soon.set(holder, draw);
    near.observe(holder);
    return Promise.resolve();
  }

  async function draw() {
    if (typeof vegaEmbed === "undefined") {
      inside.textContent = "The chart could not be drawn when this report was written; the table has its numbers.";
      return;
    }
    charts.add(one);
    holder.setAttribute("aria-busy", "true");
    const { specification, rows, params, config } = plan();
    const theme = REPORT.themes[themeName()];
    const values = { ...theme.params, ...params };
    const made = structuredClone(specification);
    made.datasets = { ...made.datasets, cells: rows };
    made.params = made.params.map((x) => (x.name in values ? { ...x, value: values[x.name] } : x));
    const merged = { ...theme.config, ...config, legend: { ...theme.config.legend, ...(config || {}).legend } };
    merged.font = getComputedStyle(document.body).fontFamily;
    merged.aria = false;
    if (one.view) one.view.finalize();
    one.width = holder.clientWidth;
    const result = await vegaEmbed(inside, made, {
      actions: false,
      ast: true,
      config: merged,
      defaultStyle: false,
      mode: "vega-lite",
      renderer: "svg",
      tooltip: () => {},
    });
    one.view = result.view;
    after(one.view);
    holder.setAttribute("aria-busy", "false");
  }

  return one;
}

function forgetCharts() {
  for (const one of charts) {
    if (one.view) one.view.finalize();
  }
  charts.clear();
  soon.clear();
  near.disconnect();
}

function redrawCharts() {
  for (const one of charts) one.draw();
}

let waiting = 0;

addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    for (const one of charts) {
      if (one.holder.clientWidth !== one.width) one.draw();
    }
  }, 150);
});

const tip = document.getElementById("tip");

// The box beside a cell; x and y in the window.
function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map((line, i) => make(i === 0 ? "strong" : "span", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth - 8 ? x - 14 - box.width : x + 14;
  const top = y + 14 + box.height > innerHeight - 8 ? y - 14 - box.height : y + 14;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - box.width - 8))}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}

function hideTip() {
  tip.hidden = true;
}

for (const gesture of ["wheel", "touchmove"]) addEventListener(gesture, hideTip, { passive: true });

// Curves, or intervals side by side.
function curvesChart(part) {
  const holder = make("div", { class: "chart", role: "img", "aria-label": `${part.title}, a chart; the table below says the same` });
  let chosen = "";
  const names = [...new Set(part.points.map((point) => point.name))];
  const tools = make(
    "div",
    { class: "tools" },
    choice("Bring out", [["", "none"], ...names.map((name) => [name, name])], "", (value) => {
      chosen = value;
      redraw();
    }),
  );
  const plan = () => ({
    specification: fitted(part.specification, holder.clientWidth),
    rows: part.points,
    params: { chosen },
    config: holder.clientWidth < 560 ? { legend: { columns: 1 } } : {},
  });
  const redraw = () => view && view.signal("chosen", chosen).runAsync();
  let view = null;
  const listen = (made) => {
    view = made;
    view.addEventListener("pointermove", (event, item) => {
      const datum = item && item.datum;
      if (!datum || datum.name === undefined || datum.value === undefined) return hideTip();
      const where = datum.x === undefined ? [] : [`${part.x_title} ${datum.x}`];
      showTip([datum.name, ...where, `${cellText(datum)} ${part.unit}`, ...(datum.word ? [datum.word] : [])], event.clientX, event.clientY);
    });
  };
  holder.addEventListener("pointerleave", hideTip);
  const element = make("div", {}, part.x_title && names.length > 2 ? tools : null, make("div", { class: "scroll" }, holder));
  return [element, chart(holder, plan, listen).start];
}

// A chart that a plugin brings.
function ownChart(part) {
  const holder = make("div", { class: "chart", role: "img", "aria-label": `${part.title}, a chart; the table below says the same` });
  const fits = typeof part.specification.width === "number";
  const plan = () => ({
    specification: fits ? fitted(part.specification, holder.clientWidth) : part.specification,
    rows: [],
    params: {},
    config: {},
  });
  return [make("div", { class: "scroll" }, holder), chart(holder, plan, () => {}).start];
}

// As wide as there is room, less what the axis takes.
function fitted(specification, width) {
  const labels = typeof specification.height === "number" ? 80 : 190;
  return { ...specification, width: Math.max(160, Math.min(specification.width, width - labels)) };
}
