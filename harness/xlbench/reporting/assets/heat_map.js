// Matrices as heat maps, one section for all that have the same rows and columns: tables whose heads stay in
// sight. The arrow keys go from cell to cell and to the languages at the heads.

const NARROW = 640;
const PAPER = 800; // what is to be printed
const FACTS = [
  ["family", "Family"],
  ["script", "Script"],
  ["seen", "Seen in pretraining"],
];

function heatMap(matrices, keep) {
  const places = matrices.map((_, i) => String(i));
  const orders = Object.keys(matrices[0].orders);
  let matrix = matrices[Number(keep.get("map", "0", places))];
  let order = keep.get("order", orders[0], orders);
  let turned = false;
  let at = [1, 1]; // row and column of the table where the keyboard is
  const filter = languageFilter(matrices[0], keep, () => change());
  const help = newId("help");
  const table = make("table", { class: "map", role: "grid", "aria-describedby": help, onkeydown: key });
  const box = make("div", { class: "scroll mapped chart", onscroll: hideTip }, table);
  const legend = make("p", { class: "note" });
  const cells = make("div");
  const details = make("details", { ontoggle: fill, open: keep.get("table") === "open" }, make("summary", {}, "The same as a table, one row per cell"), cells);
  const shown = () => matrix.orders[order].map((side, i) => side.filter(filter.passes[i]));
  const tools = make("div", { class: "tools" });
  if (matrices.length > 1) {
    const options = matrices.map((x, i) => [String(i), x.title]);
    const show = (i) => {
      matrix = matrices[Number(i)];
      keep.set("map", i, "0");
      change();
    };
    tools.append(choice("Show", options, String(matrices.indexOf(matrix)), show));
  }
  const reorder = (name) => {
    order = name;
    keep.set("order", name, orders[0]);
    change();
  };
  tools.append(choice("Order", orders.map((name) => [name, name]), order, reorder), ...filter.tools);
  tools.append(saveMenu(matrix.title, { picture: toPicture, table: () => cellsTable(matrix, ...shown()) }));

  function toPicture() {
    const specification = turned ? matrix.turned : matrix.specification;
    return { specification, rows: heatRows(matrix, ...shown()), params: {}, title: matrix.title, below: matrix.legend };
  }

  function change() {
    hideTip();
    at = [1, 1];
    draw();
    fill();
  }

  function fill() {
    keep.set("table", details.open ? "open" : "", "", true);
    if (details.open) cells.replaceChildren(dataTable(cellsTable(matrix, ...shown()), choices("")));
    else cells.replaceChildren();
  }

  // Rows go across where there are more columns than there is room for.
  function draw() {
    const room = asked().has("whole") ? PAPER : box.clientWidth || innerWidth;
    const short = room < NARROW;
    const [rows, columns] = shown();
    turned = columns.length > rows.length && columns.length * matrix.cell_width > room - (short ? 60 : 340);
    const [down, across] = turned ? [columns, rows] : [rows, columns];
    const sides = [matrix.rows, matrix.columns];
    const [names, heads] = turned ? sides.reverse() : sides;
    const titles = [matrix.row_title, matrix.column_title];
    const [downTitle, acrossTitle] = turned ? titles.reverse() : titles;
    const paint = painter(matrix);
    table.className = `map ${matrix.full ? "full" : "small"}`;
    const caption = make("caption", {}, `${matrix.title}: ${matrix.rows.length} by ${matrix.columns.length}`);
    const corner = make("td", { class: "corner" }, make("span", {}, `${acrossTitle} →`), make("span", {}, `${downTitle} ↓`));
    const first = make("tr", {}, corner, ...across.map((j) => headCell("col", heads[j], short)));
    const body = down.map((i) => {
      const line = across.map((j) => {
        const [row, column] = turned ? [j, i] : [i, j];
        return mapCell(matrix, row, column, paint);
      });
      return make("tr", {}, headCell("row", names[i], short), ...line);
    });
    const nothing = make("tr", {}, make("td", {}, "No language passes the filters."));
    table.replaceChildren(caption, make("thead", {}, first), make("tbody", {}, ...(down.length && across.length ? body : [nothing])));
    legend.replaceChildren(scaleBar(matrix), matrix.legend);
    filter.count.textContent = counts(rows, columns);
    reachable();
  }

  function counts(rows, columns) {
    if (rows.length === matrix.rows.length && columns.length === matrix.columns.length) return "";
    const of = (some, all, title) => `${some.length} of ${counted(all.length, title.toLowerCase())}`;
    return `${of(rows, matrix.rows, matrix.row_title)}, ${of(columns, matrix.columns, matrix.column_title)}`;
  }

  function placeAt([row, column]) {
    const cell = table.rows[row] && table.rows[row].cells[column];
    return cell && (cell.querySelector("a") || (cell.classList.contains("corner") ? null : cell));
  }

  // One cell is in the order of the Tab key.
  function reachable() {
    for (const other of table.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    const place = placeAt(at);
    if (place) place.tabIndex = 0;
    return place;
  }

  function key(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const [last, end] = [table.rows.length - 1, table.rows[0].cells.length - 1];
    const within = (x, most) => Math.max(0, Math.min(most, x));
    if (event.key === "Escape") return hideTip();
    let next = at;
    if (event.key in steps) next = [within(at[0] + steps[event.key][0], last), within(at[1] + steps[event.key][1], end)];
    else if (event.key === "Home") next = event.ctrlKey ? [1, 1] : [at[0], 1];
    else if (event.key === "End") next = event.ctrlKey ? [last, end] : [at[0], end];
    else return undefined;
    event.preventDefault();
    if (!placeAt(next)) return undefined;
    at = next;
    const place = reachable();
    place.focus({ preventScroll: true });
    place.closest("td, th").scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
    return tell(place.closest("td"));
  }

  // Says what a cell is, beside it and to screen readers.
  function tell(cell, x, y) {
    if (!cell || cell.dataset.i === undefined) return hideTip();
    const lines = cellLines(matrix, Number(cell.dataset.i), Number(cell.dataset.j));
    cell.setAttribute("aria-label", lines.join(", "));
    const place = cell.getBoundingClientRect();
    return showTip(lines, x ?? place.right, y ?? place.bottom);
  }

  const over = (event) => tell(event.target.closest("td"), event.clientX, event.clientY);
  table.addEventListener("pointermove", over);
  table.addEventListener("click", over);
  table.addEventListener("pointerleave", hideTip);
  table.addEventListener("focusout", hideTip);
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td, th");
    at = [cell.parentElement.rowIndex, cell.cellIndex];
    reachable();
    if (event.target.matches(":focus-visible")) tell(event.target.closest("td"));
  });

  const element = make(
    "div",
    {},
    tools,
    filter.count,
    legend,
    box,
    make("p", { class: "note hint", id: help }, "Point at a cell for its numbers, or go to the map with Tab and from cell to cell with the arrow keys. A language's name leads to all that is known of it."),
    ...notes(matrix),
    details,
  );
  const drawing = { holder: box, width: 0, draw: redraw };
  function redraw() {
    drawing.width = box.clientWidth;
    draw();
  }
  const start = () => {
    charts.add(drawing);
    redraw();
    if (details.open) fill();
  };
  return [element, start];
}

// Choices by which languages stay in a map. `passes` are tests of places of its rows and its columns.
function languageFilter(matrix, keep, change) {
  const sides = [matrix.rows, matrix.columns];
  const of = (name) => (Object.hasOwn(REPORT.languages, name) ? REPORT.languages[name] : null);
  const all = [...new Set(sides.flat())].map(of).filter((x) => x);
  const state = {};
  const tools = [];
  for (const [fact, label] of FACTS) {
    const options = [...new Set(all.map((x) => x[fact]).filter((x) => x))].sort();
    if (options.length < 2) continue;
    state[fact] = keep.get(fact, "", options);
    const set = (value) => {
      state[fact] = value;
      keep.set(fact, value);
      change();
    };
    tools.push(choice(label, [["", "all"], ...options.map((x) => [x, x])], state[fact], set));
  }
  const whom = [["both", "rows and columns"], ["0", `${matrix.row_title.toLowerCase()}s`], ["1", `${matrix.column_title.toLowerCase()}s`]];
  state.whom = keep.get("filter", "1", ["both", "0", "1"]);
  const choose = (value) => {
    state.whom = value;
    keep.set("filter", value, "1");
    change();
  };
  const asked = () => FACTS.map(([fact]) => fact).filter((fact) => state[fact]);
  const passes = sides.map((side, which) => (place) => {
    if (state.whom !== "both" && state.whom !== String(which)) return true;
    const language = of(side[place]);
    return asked().every((fact) => language && language[fact] === state[fact]);
  });
  const count = make("output", { class: "count", "aria-live": "polite" });
  if (!tools.length) return { tools, passes, count };
  const inside = make("div", { class: "tools" }, choice("Filter", whom, state.whom, choose), ...tools);
  const details = make("details", { class: "filters", open: asked().length > 0 }, make("summary", {}, "Filter languages"), inside);
  return { tools: [details], passes, count };
}

// A head, which leads to its language; called by its code where there is little room.
function headCell(scope, name, short) {
  const known = Object.hasOwn(REPORT.languages, name) ? REPORT.languages[name] : null;
  const text = make("span", {}, short && known ? known.code : name);
  const inside = known ? make("a", { href: languageAddress(known.code), tabindex: "-1", "aria-label": known.label, title: known.label }, text) : text;
  return make("th", { scope, tabindex: known ? null : "-1", title: known ? null : name }, inside);
}

function mapCell(matrix, i, j, paint) {
  const cell = matrixCell(matrix, i, j);
  const td = make("td", { tabindex: "-1", "data-i": i, "data-j": j });
  if (cell === null) return td;
  if (matrix.rows[i] === matrix.columns[j]) td.classList.add("itself");
  if (cell.missing) {
    td.classList.add("gap");
    td.textContent = DASH;
    return td;
  }
  const [ground, ink] = paint(cell.value);
  td.style.cssText = `background:${ground};color:${ink}`;
  const mark = ["helps", "harms"].includes(cell.word) ? markOf(cell.word) : "";
  if (matrix.full) td.append(decimal(cell.value, decimalsOf(cell), cell.signed));
  if (mark) {
    td.classList.add("clear");
    td.append(make("span", { class: "mark" }, mark));
  }
  return td;
}

// Of a value, the colour of its cell, and that of what stands on it.
function painter(matrix) {
  const look = REPORT.themes[themeName()];
  const stops = look.config.range[matrix.signed ? "diverging" : "ramp"].scheme.map(channels);
  const reach = reachOf(matrix);
  const inks = [look.params.strong, look.params.weak];
  return (value) => {
    const place = Math.max(0, Math.min(1, matrix.signed ? (value / reach + 1) / 2 : value / reach)) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const ground = stops[low].map((x, c) => Math.round(x + (place - low) * (stops[low + 1][c] - x)));
    const [first, second] = inks.map((ink) => contrast(channels(ink), ground));
    return [`rgb(${ground.join(",")})`, first > second ? inks[0] : inks[1]];
  };
}

function reachOf(matrix) {
  let most = 0;
  for (const line of matrix.cells) for (const cell of line) if (Array.isArray(cell) && cell[0] !== null) most = Math.max(most, Math.abs(cell[0]));
  return most || 1;
}

function channels(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}

// As WCAG 2 has it.
function contrast(one, other) {
  const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => sum + weight * linear(colour[i] / 255), 0.05);
  const [a, b] = [light(one), light(other)];
  return Math.max(a, b) / Math.min(a, b);
}

// What colours mean.
function scaleBar(matrix) {
  const stops = REPORT.themes[themeName()].config.range[matrix.signed ? "diverging" : "ramp"].scheme;
  const end = (value) => make("span", {}, decimal(value, 1, matrix.signed));
  const reach = reachOf(matrix);
  const ramp = make("span", { class: "ramp", style: `background:linear-gradient(to right,${stops.join(",")})` });
  return make("span", { class: "colours" }, end(matrix.signed ? -reach : 0), ramp, end(reach));
}

// The data of a picture of a map.
function heatRows(matrix, rows, columns) {
  return rows.flatMap((i, rowPlace) =>
    columns.map((j, columnPlace) => {
      const cell = matrixCell(matrix, i, j);
      const there = cell !== null && !cell.missing;
      return {
        row: matrix.rows[i],
        row_place: rowPlace,
        column: matrix.columns[j],
        column_place: columnPlace,
        value: there ? cell.value : null,
        low: there ? cell.low : null,
        high: there ? cell.high : null,
        word: there ? cell.word : null,
        gap: cell !== null && !there,
        itself: matrix.rows[i] === matrix.columns[j] && cell !== null,
      };
    }),
  );
}

// The lines that describe a cell.
function cellLines(matrix, i, j) {
  const cell = matrixCell(matrix, i, j);
  const lines = [`${matrix.row_title}: ${matrix.rows[i]}`, `${matrix.column_title}: ${matrix.columns[j]}`];
  if (cell === null) return [...lines, "no such cell"];
  if (cell.missing) return [...lines, `missing: ${cell.missing.join("; ")}`];
  lines.push(`${cellText(cell)} ${matrix.unit}`);
  if (cell.word) lines.push(verdictText(cell.word));
  matrix.details.forEach((name, d) => {
    if (typeof cell.details[d] === "number") lines.push(`${name}: ${cellText({ value: cell.details[d] })}`);
  });
  return lines;
}

// What is shown of a matrix as a table with one row per cell.
function cellsTable(matrix, rows, columns) {
  const found = [];
  for (const i of rows) {
    for (const j of columns) {
      const cell = matrixCell(matrix, i, j);
      if (cell === null) continue;
      const details = cell.missing ? [] : cell.details;
      found.push([matrix.rows[i], matrix.columns[j], cell, ...matrix.details.map((_, d) => detail(details[d]))]);
    }
  }
  return {
    title: matrix.title,
    columns: [matrix.row_title, matrix.column_title, matrix.unit, ...matrix.details],
    numeric: [false, false, true, ...matrix.details.map(() => true)],
    rows: found,
  };
}

function detail(value) {
  return typeof value === "number" ? { value } : null;
}
