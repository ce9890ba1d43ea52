// A probe's page of a task. Its first section is made at once; `later` has what makes the others, in order.
// Choices in a section are kept in the address where it is the only page (`kept`).

function pageView(page, kept = true) {
  const drawing = [];
  const later = [];
  const maps = kept ? mapGroups(page) : page.parts.filter((x) => x.kind === "matrix").map((x) => [x.title, [x]]);
  const sections = [...maps, ...page.parts.filter((x) => x.kind !== "matrix").map((x) => [x.title, x])];
  const links = make("ul", { class: "inside" });
  const blocks = sections.map(([title, what], place) => {
    const id = newId("part");
    const heading = make("h2", { id, tabindex: "-1" }, title);
    const go = (event) => {
      event.preventDefault();
      makeRest();
      heading.scrollIntoView();
      heading.focus({ preventScroll: true });
    };
    links.append(make("li", {}, make("a", { href: `#${id}`, onclick: go }, title)));
    const section = make("section", { "aria-labelledby": id, hidden: place > 0 }, heading);
    const keep = choices(kept ? `s${place + 1}` : "");
    if (place === 0) section.append(...partContent(what, drawing, keep));
    else {
      later.push(() => {
        const fresh = [];
        section.append(...partContent(what, fresh, keep));
        section.hidden = false;
        for (const draw of fresh) draw();
      });
    }
    return section;
  });
  const element = make(
    "article",
    {},
    make("h1", {}, page.title, " ", make("span", { class: "model" }, REPORT.model)),
    ...page.warnings.map((line) => make("p", { class: "warning" }, make("strong", {}, "Warning. "), line)),
    ...page.answer.map((line) => make("p", { class: "answer" }, line)),
    checks(page.checks),
    summary(page.summary),
    sections.length > 2 ? make("details", { class: "contents" }, make("summary", {}, "On this page"), links) : null,
    ...blocks,
  );
  later.push(() => element.append(provenance(page)));
  return [element, drawing, later];
}

// A line each, opened for what it found; what failed stands open.
function checks(all) {
  const line = (x) =>
    make(
      "details",
      { class: `check ${x.outcome.replace(" ", "-")}`, open: x.outcome === "fail" },
      make("summary", {}, make("strong", {}, x.outcome), ` ${x.name}`),
      x.text,
    );
  return all.length ? make("div", { class: "checks" }, ...all.map(line)) : null;
}

const SENTENCES = 4;

// The first sentences stand open, for the charts are what people come for.
function summary(lines) {
  const list = (some) => make("ul", { class: "summary" }, ...some.map((line) => make("li", {}, line)));
  if (lines.length <= SENTENCES + 1) return list(lines);
  const rest = make("details", {}, make("summary", {}, `${lines.length - SENTENCES} more`), list(lines.slice(SENTENCES)));
  return make("div", {}, list(lines.slice(0, SENTENCES)), rest);
}

// Pairs of title and matrices: those with the same rows and columns are one section.
function mapGroups(page) {
  const groups = new Map();
  for (const part of page.parts) {
    if (part.kind !== "matrix") continue;
    const key = JSON.stringify([part.row_title, part.column_title, part.rows, part.columns]);
    groups.set(key, [...(groups.get(key) || []), part]);
  }
  return [...groups.values()].map((some) => [groupTitle(some), some]);
}

// What the titles of a group begin with alike, up to a comma; the only title of a lone one.
function groupTitle(some) {
  if (some.length === 1) return some[0].title;
  const starts = new Set(some.map((x) => x.title.split(",")[0]));
  return starts.size === 1 ? [...starts][0] : some[0].title;
}

function partContent(what, drawing, keep) {
  const drawn = ([element, draw]) => {
    drawing.push(draw);
    return element;
  };
  if (Array.isArray(what)) return [drawn(heatMap(what, keep))];
  if (what.kind === "curves" && what.points.length) return [drawn(curvesChart(what, keep)), dataTable(what, keep)];
  if (what.kind === "chart") return [drawn(ownChart(what)), dataTable(what, keep)];
  return [what.drawn ? drawn(tableRanking(what, keep)) : "", dataTable(what, keep)];
}

function provenance(page) {
  const id = newId("part");
  const facts = make("dl", {});
  for (const [name, text] of page.facts) facts.append(make("dt", {}, name), make("dd", {}, text));
  const block = (label, text) => [make("p", {}, label), make("pre", { tabindex: "0" }, text)];
  return make(
    "section",
    { "aria-labelledby": id },
    make("h2", { id }, "Provenance"),
    ...block("The command that makes these results:", REPORT.command),
    make("details", {}, make("summary", {}, "Data, versions, machines, cost"), facts),
    make("details", {}, make("summary", {}, "The study, with all defaults filled in"), ...block("", REPORT.study)),
  );
}
