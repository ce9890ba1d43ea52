// A language's own view: what every matrix says of it, as row and as column.

// Codes of languages that a matrix has, with their labels, in order of the labels.
function knownLanguages() {
  const found = new Map();
  for (const page of REPORT.pages) {
    for (const part of page.parts) {
      if (part.kind !== "matrix") continue;
      for (const name of [...part.rows, ...part.columns]) {
        if (Object.hasOwn(REPORT.languages, name)) {
          const language = REPORT.languages[name];
          found.set(language.code, language.label);
        }
      }
    }
  }
  return [...found].sort((one, other) => one[1].localeCompare(other[1], "en"));
}

function languageView(code) {
  const drawing = [];
  const language = Object.values(REPORT.languages).find((x) => x.code === code);
  const known = knownLanguages();
  const pick = choice("Language", known, code, (value) => {
    location.hash = languageAddress(value);
  });
  if (!language) {
    return [make("article", {}, make("h1", {}, "Languages"), make("p", {}, "No language of that code in this report."), pick), drawing];
  }
  const facts = [
    ["Family", language.family],
    ["Genus", language.genus],
    ["Script", language.script],
    ["Seen in pretraining", language.seen],
  ];
  const list = make("dl", { class: "facts" });
  for (const [name, text] of facts) list.append(make("div", {}, make("dt", {}, name), make("dd", {}, text)));
  const groups = REPORT.pages.flatMap((page) => mapGroups(page).map(([, some]) => [page, some]));
  const sections = groups.flatMap(([page, some], i) => languageSection(page, some, language, drawing, choices(`s${i + 1}`)));
  const nothing = make("p", {}, "No matrix has this language.");
  const element = make("article", {}, make("h1", {}, language.label), make("div", { class: "tools" }, pick), list, ...(sections.length ? sections : [nothing]));
  return [element, drawing];
}

function languageSection(page, matrices, language, drawing, keep) {
  const is = (name) => name === language.code || name === language.label;
  const first = matrices[0];
  if (![...first.rows, ...first.columns].some(is)) return [];
  const id = newId("part");
  const content = make("div");
  const maps = matrices.map((x, i) => [String(i), x.title]);
  const map = keep.get("map", "0", maps.map(([i]) => i));
  let fresh = [];

  function fill(matrix) {
    const parts = [];
    fresh = [];
    const column = matrix.columns.findIndex(is);
    const row = matrix.rows.findIndex(is);
    if (column >= 0) {
      const numbers = matrix.rows.map((name, i) => [name, matrixCell(matrix, i, column)]);
      parts.push(...side(`Who helps and harms it (as ${matrix.column_title.toLowerCase()})`, matrix, matrix.row_title, numbers, is, fresh));
    }
    if (row >= 0) {
      const numbers = matrix.columns.map((name, j) => [name, matrixCell(matrix, row, j)]);
      parts.push(...side(`Whom it helps and harms (as ${matrix.row_title.toLowerCase()})`, matrix, matrix.column_title, numbers, is, fresh));
    }
    content.replaceChildren(...parts);
  }

  const tools = make("div", { class: "tools" });
  if (matrices.length > 1) {
    tools.append(
      choice("Show", maps, map, (i) => {
        keep.set("map", i, "0");
        fill(matrices[Number(i)]);
        for (const draw of fresh) draw();
      }),
    );
  }
  fill(matrices[Number(map)]);
  drawing.push(...fresh);
  return [
    make("section", { "aria-labelledby": id }, make("h2", { id }, make("a", { href: pageAddress(page) }, page.title), `: ${groupTitle(matrices)}`), tools, content),
  ];
}

// Figure and table of the numbers in one row or column, the largest first.
function side(title, matrix, nameTitle, numbers, is, drawing) {
  const known = numbers.filter(([, cell]) => cell !== null);
  known.sort((one, other) => compareKeys(cellKey(one[1]), cellKey(other[1]), -1));
  const rows = known.map(([name, cell]) => [name, cell, ...matrix.details.map((_, d) => detail(cell.missing ? null : cell.details[d]))]);
  const table = {
    title: `${matrix.title}: ${title}`,
    columns: [nameTitle, matrix.unit, ...matrix.details],
    numeric: [false, true, ...matrix.details.map(() => true)],
    rows,
  };
  const others = known.filter(([name]) => !is(name)).map(([, cell]) => cell);
  const parts = [make("h3", {}, title), tally(others)].filter((x) => x);
  const few = known.filter(([, cell]) => typeof cell.value === "number").length < 2;
  if (!few) {
    const named = known.map(([name, cell]) => [is(name) ? `${name}, itself` : name, cell]);
    const [element, draw] = rankingFigure({ title: table.title, unit: matrix.unit, sign: matrix.sign }, [[matrix.unit, named]], choices(""));
    parts.push(element);
    drawing.push(draw);
  }
  parts.push(make("details", { open: few }, make("summary", {}, "The same as a table"), dataTable(table, choices(""))));
  return parts;
}

// How many help and harm, where that was tested; what it does to itself apart.
function tally(cells) {
  const there = cells.filter((cell) => !cell.missing);
  if (!there.some((cell) => cell.word)) return null;
  const count = (what) => there.filter((cell) => cell.word === what).length;
  const missing = cells.length - there.length;
  if (count("this run only")) return make("p", {}, "One seed: what others do here holds for this run only.");
  const text = `${count("helps")} help, ${count("harms")} harm, ${count("no clear effect")} with no clear effect`;
  return make("p", {}, `Of others: ${text}${missing ? `, ${missing} missing` : ""}.`);
}
