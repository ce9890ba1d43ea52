// What the report opens on: what was asked, what it comes to, who helps most, the map, and one's own language.

// Of each task, the first page that ranks or has a map.
function mainPages() {
  const found = new Map();
  for (const page of REPORT.pages) {
    if (!found.has(page.task) && !page.several && page.parts.some((x) => x.drawn || x.kind === "matrix")) found.set(page.task, page);
  }
  return [...found.values()];
}

function overview(kept = true) {
  const drawing = [];
  const element = make("article", { class: "overview" });
  element.append(make("h1", {}, REPORT.question, " ", make("span", { class: "model" }, REPORT.model)));
  if (REPORT.asked) element.append(make("p", { class: "lead" }, REPORT.asked));
  element.append(...summaryLines());
  const pages = mainPages();
  if (!pages.length) {
    if (!REPORT.pages.length) element.append(make("p", {}, "This study has no pages."));
    return [element, drawing];
  }
  const keep = choices(kept ? "overview" : "");
  const tasks = pages.map((page) => page.task);
  let task = keep.get("task", tasks[0], tasks);
  const inside = make("div");
  const fill = () => {
    const draws = [];
    inside.replaceChildren(...taskOverview(pages.find((page) => page.task === task), draws, kept));
    return draws;
  };
  const change = (value) => {
    task = value;
    keep.set("task", value, tasks[0]);
    for (const draw of fill()) draw();
  };
  if (tasks.length > 1) element.append(make("div", { class: "tools" }, choice("Task", tasks.map((x) => [x, x]), task, change)));
  element.append(inside);
  drawing.push(...fill());
  return [element, drawing];
}

// The lines that a run ends with, each with what it is about; a verdict's line has its mark and its colour.
function summaryLines() {
  const [first, ...others] = REPORT.summary;
  if (!first) return [];
  const list = make("dl", { class: "ten" });
  for (const [label, role, text] of others) {
    list.append(make("dt", {}, label), make("dd", { class: role.replaceAll(" ", "-") }, text));
  }
  return [make("p", { class: "lead" }, first[2]), list];
}

function taskOverview(page, drawing, kept) {
  const keep = (name) => choices(kept ? name : "");
  const [ranked, maps] = [page.parts.find((x) => x.drawn), mapGroups(page)];
  const section = (title, ...content) => {
    const id = newId("part");
    return make("section", { "aria-labelledby": id }, make("h2", { id }, title), ...content);
  };
  const blocks = [];
  const warnings = page.warnings.map((line) => make("p", { class: "warning" }, make("strong", {}, "Warning. "), line));
  if (ranked) {
    const [element, draw] = tableRanking(ranked, keep("ranking"));
    drawing.push(draw);
    blocks.push(section(`${ranked.columns[0]}s, ranked`, element));
  }
  const box = maps.length ? practice(page, maps[0][1][0], keep("mine")) : null;
  if (box) blocks.push(section("My language", box));
  const beside = blocks.length > 1 ? [make("div", { class: "beside" }, ...blocks)] : blocks;
  if (maps.length) {
    const [title, some] = maps[0];
    const [element, draw] = heatMap(some, keep("map"));
    drawing.push(draw);
    beside.push(section(title, element));
  }
  for (const other of REPORT.pages.filter((x) => x.several && x.task === page.task)) {
    const groups = mapGroups(other);
    if (!groups.length) continue;
    const [element, draw] = heatMap(groups[0][1], keep("models"));
    drawing.push(draw);
    const lines = other.summary.map((line) => make("p", {}, line));
    beside.push(section(other.title, ...lines, element, make("p", {}, make("a", { href: pageAddress(other) }, other.title), ".")));
    break;
  }
  const more = make("p", {}, "Tables, curves, checks and provenance: ", make("a", { href: pageAddress(page) }, page.title), ".");
  return [...warnings, ...beside, more];
}

const SHORT = 5; // transfer languages of a shortlist

// Of a target language that is chosen, whom to take and whom not, from the numbers of a matrix.
function practice(page, matrix, keep) {
  const known = (name) => Object.hasOwn(REPORT.languages, name);
  const targets = [...matrix.columns].filter(known).sort((one, other) => one.localeCompare(other, "en"));
  if (!targets.length || !matrix.signed) return null;
  const codes = targets.map((name) => REPORT.languages[name].code);
  const usual = REPORT.languages[matrix.columns.find(known)].code;
  let mine = keep.get("language", usual, codes);
  const inside = make("div", { "aria-live": "polite" });
  const fill = () => inside.replaceChildren(...shortlist(page, matrix, mine));
  const change = (value) => {
    mine = value;
    keep.set("language", value, usual);
    fill();
  };
  fill();
  return make("div", { class: "mine" }, make("div", { class: "tools" }, choice("My language is", targets.map((name, i) => [codes[i], name]), mine, change)), inside);
}

// What clearly helps first, then by the lower end of the interval, as `xlbench recommend` has it.
function shortlist(page, matrix, code) {
  const is = (name) => name === code || (Object.hasOwn(REPORT.languages, name) && REPORT.languages[name].code === code);
  const column = matrix.columns.findIndex(is);
  const name = matrix.columns[column];
  const numbers = matrix.rows.map((row, i) => [row, matrixCell(matrix, i, column), i]).filter(([row, cell]) => cell && !is(row));
  const found = numbers.filter(([, cell]) => typeof cell.value === "number");
  const sure = (cell) => (typeof cell.low === "number" ? cell.low : -Infinity);
  const after = (cell) => Number(cell.word !== "helps");
  found.sort((one, other) => after(one[1]) - after(other[1]) || sure(other[1]) - sure(one[1]));
  const having = (word) => found.filter(([, cell]) => cell.word === word);
  const [helps, harms, alone] = [having("helps"), having("harms"), having("this run only")];
  const said = ([row, cell]) => `${row}, ${cellText(cell)}`;
  const lines = [];
  if (!found.length) lines.push(`Nothing is known of ${name}: its results are missing.`);
  else if (alone.length) lines.push("With one seed the order is that of this run only; run more with --seeds 3.");
  else if (helps.length) lines.push(`For ${name}, take ${helps[0][0]}: ${cellText(helps[0][1])} ${matrix.unit}.`);
  else if (found.some(([, cell]) => cell.word)) lines.push(`No transfer language clearly helps ${name}; staying without one is as good a choice.`);
  if (harms.length) lines.push(`Avoid ${[...harms].reverse().slice(0, SHORT).map(said).join("; ")}${harms.length > SHORT ? `; and ${harms.length - SHORT} more` : ""}.`);
  else if (found.length && !alone.length) lines.push("None clearly harms it.");
  const ties = matrix.ties[column] || [];
  const tied = found.filter(([, , i]) => ties.includes(i)).slice(1);
  if (helps.length && tied.length) {
    const more = tied.length > SHORT ? `; and ${tied.length - SHORT} more` : "";
    lines.splice(1, 0, `Tied with it, by paired tests: ${tied.slice(0, SHORT).map(([row]) => row).join(", ")}${more}.`);
  } else if (helps.length && ties.length && found.length > 1) lines.splice(1, 0, `${helps[0][0]} is clearly better than every other.`);
  const first = found.slice(0, SHORT);
  const table = make(
    "table",
    {},
    make("caption", {}, `Transfer languages for ${name}`),
    make("thead", {}, make("tr", {}, ...[matrix.row_title, matrix.title].map((head) => make("th", { scope: "col" }, head)))),
    make(
      "tbody",
      {},
      ...first.map(([row, cell]) =>
        make("tr", {}, make("th", { scope: "row" }, ...cellContent(row)), make("td", {}, ...cellContent(cell))),
      ),
    ),
  );
  const more = found.length > SHORT ? `All ${found.length}, and whom it helps` : "Whom it helps";
  return [
    ...lines.map((line) => make("p", {}, line)),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Transfer languages for ${name}` }, table),
    make("p", { class: "note" }, `In ${matrix.unit}${matrix.sign ? ` (${matrix.sign})` : ""}, with the 95% CI. What clearly helps comes first, then what has the highest lower end: what is sure before what may be large.`),
    make("p", {}, make("a", { href: languageAddress(code) }, `${more}: ${name}`), "."),
    make("p", { class: "note" }, "In a terminal: ", make("code", {}, `xlbench recommend --task ${page.task} --target ${code}`)),
  ];
}
