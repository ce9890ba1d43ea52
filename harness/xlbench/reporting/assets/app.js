// Start, navigation and theme.

function pageAddress(page) {
  return `#page=${encodeURIComponent(page.probe)}&task=${encodeURIComponent(page.task)}`;
}

function links() {
  const link = (href, text, id) => make("li", {}, make("a", { href, id }, text));
  const tasks = new Map();
  for (const page of REPORT.pages) tasks.set(page.task, [...(tasks.get(page.task) || []), page]);
  const groups = [...tasks].map(([task, pages]) =>
    make("div", {}, make("h2", {}, task), make("ul", {}, ...pages.map((page) => link(pageAddress(page), page.probe)))),
  );
  const more = [];
  const known = knownLanguages();
  if (known.length) more.push(link(languageAddress(known[0][0]), "One language", "to-language"));
  more.push(link("#whole=yes", "Whole report, to print", "to-whole"));
  return [make("ul", {}, link("#", "Overview", "to-overview")), ...groups, make("div", {}, make("h2", {}, "More"), make("ul", {}, ...more))];
}

function route() {
  const all = asked();
  if (all.has("whole")) return wholeView();
  if (all.has("language")) return languageView(all.get("language"));
  const page = pageOf(all);
  return page ? pageView(page) : overview();
}

function pageOf(all) {
  return REPORT.pages.find((x) => x.probe === all.get("page") && x.task === all.get("task"));
}

// Everything, one page after the other.
function wholeView() {
  const drawing = [];
  const later = [];
  const root = make("div", { class: "whole" });
  for (const view of [() => overview(false), ...REPORT.pages.map((page) => () => pageView(page, false))]) {
    later.push(() => {
      const [element, draws, more = []] = view();
      root.append(element);
      for (const step of more) step();
      for (const draw of draws) draw();
    });
  }
  later.push(() => root.querySelectorAll(".data").forEach((x) => x.dispatchEvent(new Event("whole"))));
  later.shift()();
  return [root, drawing, later];
}

let rest = []; // what makes the sections that are not there yet, in order

function makeRest() {
  while (rest.length) rest.shift()();
}

async function show(event) {
  const before = here;
  here = location.hash;
  const moved = !event || viewOf(before) !== viewOf(here);
  const height = scrollY;
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
  pointOut();
  if (event && moved) {
    // After a link, not at the start: a screen reader goes on from the new page.
    if (matchMedia("(max-width: 60rem)").matches) document.getElementById("menu").open = false;
    scrollTo({ top: 0, behavior: "instant" });
    main.focus({ preventScroll: true });
  } else if (event) {
    makeRest();
    scrollTo({ top: height, behavior: "instant" });
  }
  await Promise.all(drawing.map((draw) => draw()));
  root.ready = location.hash || "start";
  // A section at a time, so that what is there can be scrolled and used.
  const goesOn = () => later === rest;
  while (later.length && goesOn()) {
    await new Promise((done) => setTimeout(done));
    if (later.length && goesOn()) later.shift()();
  }
  if (goesOn()) root.whole = root.ready;
  await drawTheRest(goesOn);
  if (goesOn()) root.drawn = root.ready;
}

// Which link of the menu is of the view that is shown.
function pointOut() {
  const all = asked();
  const page = pageOf(all);
  const own = all.has("whole") ? "to-whole" : all.has("language") ? "to-language" : page ? "" : "to-overview";
  for (const link of document.querySelectorAll("#links a")) {
    const current = own ? link.id === own : link.getAttribute("href") === pageAddress(page);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
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

// All that is on the page is printed: sections that are not there yet, rows that are not shown yet.
addEventListener("beforeprint", () => {
  makeRest();
  for (const table of document.querySelectorAll(".data")) {
    if (!table.closest("details:not([open])")) table.dispatchEvent(new Event("whole"));
  }
});

// The address stays that of the view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

const REPORT = JSON.parse(document.getElementById("data").textContent);
document.getElementById("model").textContent = REPORT.model;
document.getElementById("links").append(...links());
document.getElementById("menu").open = !matchMedia("(max-width: 60rem)").matches;
theme();
addEventListener("hashchange", (event) => {
  if (location.hash !== here) show(event);
});
show();
