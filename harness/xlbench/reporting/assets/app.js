// Start, navigation and theme.

function pageAddress(page) {
  return `#page=${encodeURIComponent(page.probe)}&task=${encodeURIComponent(page.task)}`;
}

function links() {
  const tasks = new Map();
  for (const page of REPORT.pages) tasks.set(page.task, [...(tasks.get(page.task) || []), page]);
  const groups = [...tasks].map(([task, pages]) => {
    const items = pages.map((page) => make("li", {}, make("a", { href: pageAddress(page) }, page.probe)));
    return make("div", {}, make("h2", {}, task), make("ul", {}, ...items));
  });
  const known = knownLanguages();
  if (known.length) {
    const link = make("a", { href: languageAddress(known[0][0]), id: "to-languages" }, "One language");
    groups.push(make("div", {}, make("h2", {}, "Languages"), make("ul", {}, make("li", {}, link))));
  }
  return groups;
}

function route() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has("language")) return languageView(asked.get("language"));
  const page = REPORT.pages.find((x) => x.probe === asked.get("page") && x.task === asked.get("task"));
  const first = page || firstPage();
  return first ? pageView(first) : [make("p", {}, "This study has no pages."), []];
}

// Where nothing is asked for, the first page with a heat map.
function firstPage() {
  return REPORT.pages.find((page) => page.parts.some((x) => x.kind === "matrix")) || REPORT.pages[0];
}

let rest = []; // what makes the sections that are not there yet, in order

function makeRest() {
  while (rest.length) rest.shift()();
}

async function show(event) {
  hideTip();
  forgetCharts();
  const root = document.documentElement.dataset;
  delete root.whole;
  const [element, drawing, later = []] = route();
  rest = later;
  const main = document.getElementById("main");
  main.replaceChildren(element);
  const heading = element.querySelector("h1");
  document.title = `${heading ? heading.textContent : "Report"} – xlbench`;
  const asked = new URLSearchParams(location.hash.slice(1));
  const here = asked.has("language") ? null : REPORT.pages.find((x) => x.probe === asked.get("page") && x.task === asked.get("task")) || firstPage();
  for (const link of document.querySelectorAll("#links a")) {
    const current = here ? link.getAttribute("href") === pageAddress(here) : link.id === "to-languages";
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (event) {
    // After a link, not at the start: a screen reader goes on from the new page.
    if (matchMedia("(max-width: 60rem)").matches) document.getElementById("menu").open = false;
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  await Promise.all(drawing.map((draw) => draw()));
  root.ready = location.hash || "start";
  // A section at a time, so that what is there can be scrolled and used.
  while (later.length && later === rest) {
    await new Promise((done) => setTimeout(done));
    if (later.length && later === rest) later.shift()();
  }
  if (later === rest) root.whole = root.ready;
}

function theme() {
  const button = document.getElementById("theme");
  const label = () => {
    button.textContent = themeName() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${themeName() === "dark" ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = themeName() === "dark" ? "light" : "dark";
    label();
    redrawCharts();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    label();
    redrawCharts();
  });
  label();
}

const REPORT = JSON.parse(document.getElementById("data").textContent);
document.getElementById("model").textContent = REPORT.model;
document.getElementById("links").append(...links());
document.getElementById("menu").open = !matchMedia("(max-width: 60rem)").matches;
theme();
addEventListener("hashchange", show);
show();
