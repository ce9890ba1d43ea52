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
    const look = REPORT.themes[themeName()];
    const merged = { ...look.config, ...config, legend: { ...look.config.legend, ...(config || {}).legend } };
    merged.font = getComputedStyle(document.body).fontFamily;
    if (one.view) one.view.finalize();
    one.width = holder.clientWidth;
    one.view = await embed(inside, specification, rows, { ...look.params, ...params }, merged);
    after(one.view);
    holder.setAttribute("aria-busy", "false");
  }

  return one;
}

// Draws a specification with `rows` for its data and values for its parameters; gives Vega's view.
async function embed(element, specification, rows, params, config) {
  const made = structuredClone(specification);
  made.datasets = { ...made.datasets, cells: rows };
  made.params = made.params.map((x) => (x.name in params ? { ...x, value: params[x.name] } : x));
  const result = await vegaEmbed(element, made, {
    actions: false,
    ast: true,
    config: { ...config, aria: false },
    defaultStyle: false,
    mode: "vega-lite",
    renderer: "svg",
    tooltip: () => {},
  });
  return result.view;
}

// Draws what is not near yet, one after the other, so that all of it can be printed.
async function drawTheRest(goesOn) {
  for (const [holder, draw] of soon) {
    await new Promise((done) => setTimeout(done));
    if (!goesOn()) return;
    if (!soon.delete(holder)) continue;
    near.unobserve(holder);
    await draw();
  }
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

// Curves over steps, or numbers with their intervals where there is but one.
function curvesChart(part, keep) {
  const names = [...new Set(part.points.map((point) => point.name))];
  let chosen = keep.get("curve", "", names);
  const picture = () => ({ specification: part.specification, rows: part.points, params: { chosen }, title: part.title, below: "bars: 95% CI" });
  const [holder, drawing] = figure(part, (width) => ({
    specification: fitted(part.specification, width),
    rows: part.points,
    params: { chosen },
    config: width < 560 ? { legend: { columns: 1 } } : {},
  }));
  const bring = choice("Highlight", [["", "none"], ...names.map((name) => [name, name])], chosen, (value) => {
    chosen = value;
    keep.set("curve", value);
    drawing.draw();
  });
  const many = part.x_title && names.length > 2 && part.points.some((point) => point.x !== part.points[0].x);
  const tools = make("div", { class: "tools" }, many ? bring : null, saveMenu(part.title, { picture }));
  return [make("div", {}, tools, make("div", { class: "scroll" }, holder)), drawing.start];
}

// A chart that a plugin brings.
function ownChart(part) {
  const fits = typeof part.specification.width === "number";
  const picture = () => ({ specification: part.specification, rows: [], params: {}, title: part.title, below: "" });
  const [holder, drawing] = figure(part, (width) => ({
    specification: fits ? fitted(part.specification, width) : part.specification,
    rows: [],
    params: {},
    config: {},
  }));
  const tools = make("div", { class: "tools" }, saveMenu(part.title, { picture }));
  return [make("div", {}, tools, make("div", { class: "scroll" }, holder)), drawing.start];
}

// What holds a chart, named for screen readers, with a tip for each of its numbers; and how it is drawn.
function figure(part, plan) {
  const holder = make("div", { class: "chart", role: "img", "aria-label": `${part.title}, a chart; the table below says the same` });
  holder.addEventListener("pointerleave", hideTip);
  const drawing = chart(holder, () => plan(holder.clientWidth), (view) => {
    view.addEventListener("pointermove", (event, item) => {
      const datum = item && item.datum;
      if (!datum || datum.name === undefined || datum.value === undefined) return hideTip();
      const where = datum.x === undefined ? [] : [`${part.x_title} ${datum.x}`];
      showTip([datum.name, ...where, `${cellText(datum)} ${part.unit}`, ...(datum.word ? [verdictText(datum.word)] : [])], event.clientX, event.clientY);
    });
  });
  return [holder, drawing];
}

// As wide as there is room, less what the axis takes.
function fitted(specification, width) {
  const labels = typeof specification.height === "number" ? 80 : 190;
  return { ...specification, width: Math.max(160, Math.min(specification.width, width - labels)) };
}
