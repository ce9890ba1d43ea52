// Matrices as heat maps, one section for all that have the same rows and columns.

const NARROW = 640;

function heatMap(matrices) {
  let matrix = matrices[0];
  let order = Object.keys(matrix.orders)[0];
  let at = null; // the place in the order, [row, column], where the keyboard is
  let turned = false;
  let view = null;
  const help = newId("help");
  const holder = make("div", {
    class: "chart",
    tabindex: "0",
    role: "application",
    "aria-roledescription": "heat map",
    "aria-describedby": help,
    onkeydown: key,
    onfocus: () => at && point(),
    onblur: leave,
    onpointerleave: leave,
  });
  const legend = make("p", { class: "note" });
  const table = make("div");
  const details = make("details", { ontoggle: fill, open: typeof vegaEmbed === "undefined" }, make("summary", {}, "The same as a table, one row per cell"), table);
  const tools = make("div", { class: "tools" });
  if (matrices.length > 1) {
    const options = matrices.map((x, i) => [String(i), x.title]);
    tools.append(choice("Show", options, "0", (i) => change(() => (matrix = matrices[Number(i)]))));
  }
  const names = Object.keys(matrix.orders).map((name) => [name, name]);
  tools.append(choice("Order", names, order, (name) => change(() => (order = name))));

  function change(how) {
    how();
    at = null;
    describe();
    if (details.open) fill();
    drawing.draw();
  }

  function describe() {
    holder.setAttribute("aria-label", `${matrix.title}: ${matrix.rows.length} by ${matrix.columns.length}`);
    legend.textContent = matrix.legend;
  }

  function fill() {
    if (details.open) table.replaceChildren(dataTable(cellsTable(matrix)));
    else table.replaceChildren();
  }

  function plan() {
    const narrow = holder.parentElement.clientWidth < NARROW;
    const room = holder.parentElement.clientWidth - (narrow ? 60 : 340);
    const short = narrow;
    const [across, down] = [matrix.columns.length, matrix.rows.length];
    turned = across > down && across * matrix.cell_width > room;
    return {
      specification: turned ? matrix.turned : matrix.specification,
      rows: heatRows(matrix, order, short),
      params: {},
      config: narrow ? { legend: { orient: "bottom" } } : {},
    };
  }

  const drawing = chart(holder, plan, listen);

  function listen(made) {
    view = made;
    const over = (event, item) => {
      const datum = item && item.datum;
      if (datum && datum.i !== undefined) showTip(cellLines(matrix, datum.i, datum.j), event.clientX, event.clientY);
      else hideTip();
    };
    view.addEventListener("pointermove", over);
    view.addEventListener("click", over);
  }

  function key(event) {
    const [rows, columns] = matrix.orders[order];
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const [last, end] = [rows.length - 1, columns.length - 1];
    const keep = (x, most) => Math.max(0, Math.min(most, x));
    if (event.key === "Escape") return leave();
    if (event.key in steps) {
      const [a, b] = steps[event.key];
      const [down, right] = turned ? [b, a] : [a, b];
      at = at ? [keep(at[0] + down, last), keep(at[1] + right, end)] : [0, 0];
    } else if (event.key === "Home") at = [0, 0];
    else if (event.key === "End") at = [last, end];
    else return undefined;
    event.preventDefault();
    return point();
  }

  // Frames the cell where the keyboard is, brings it into sight and says what it is.
  async function point() {
    if (!view) return;
    const [rows, columns] = matrix.orders[order];
    const [i, j] = [rows[at[0]], columns[at[1]]];
    const short = holder.parentElement.clientWidth < NARROW;
    const [row, column] = [axisName(matrix.rows[i], short), axisName(matrix.columns[j], short)];
    await view.signal("row", row).signal("column", column).runAsync();
    const [across, down] = turned ? [row, column] : [column, row];
    const [x, y] = [view.scale("x"), view.scale("y")];
    const box = holder.querySelector("svg").getBoundingClientRect();
    const origin = view.origin();
    const place = [origin[0] + x(across) + x.bandwidth() / 2, origin[1] + y(down) + y.bandwidth() / 2];
    const outer = holder.parentElement;
    const inside = box.left + place[0] - outer.getBoundingClientRect().left;
    if (inside < 60 || inside > outer.clientWidth - 40) outer.scrollLeft += inside - outer.clientWidth / 2;
    const height = box.top + place[1];
    if (height < 80 || height > innerHeight - 80) scrollBy({ top: height - innerHeight / 2, behavior: "instant" });
    const now = holder.querySelector("svg").getBoundingClientRect();
    const lines = cellLines(matrix, i, j);
    showTip(lines, now.left + place[0], now.top + place[1]);
    say(lines.join(", "));
  }

  function leave() {
    hideTip();
    if (view && at) view.signal("row", "").signal("column", "").runAsync();
  }

  describe();
  const element = make(
    "div",
    {},
    tools,
    make("div", { class: "scroll" }, holder),
    make("p", { class: "note", id: help }, "Point at a cell for its numbers, or go to the map with Tab and from cell to cell with the arrow keys."),
    legend,
    ...notes({ note: `${matrix.unit.charAt(0).toUpperCase()}${matrix.unit.slice(1)}. ${matrix.note}`, gaps: matrix.gaps }),
    details,
  );
  return [element, drawing.start];
}

// A language's code stands for its name where there is little room.
function axisName(name, short) {
  return short && Object.hasOwn(REPORT.languages, name) ? REPORT.languages[name].code : name;
}

function heatRows(matrix, order, short) {
  const [rows, columns] = matrix.orders[order];
  const made = [];
  rows.forEach((i, rowPlace) => {
    columns.forEach((j, columnPlace) => {
      const cell = matrixCell(matrix, i, j);
      const there = cell !== null && !cell.missing;
      made.push({
        i,
        j,
        row: axisName(matrix.rows[i], short),
        row_place: rowPlace,
        column: axisName(matrix.columns[j], short),
        column_place: columnPlace,
        value: there ? cell.value : null,
        low: there ? cell.low : null,
        high: there ? cell.high : null,
        word: there ? cell.word : null,
        gap: cell !== null && !there,
        itself: matrix.rows[i] === matrix.columns[j] && cell !== null,
      });
    });
  });
  return made;
}

// The lines that describe a cell.
function cellLines(matrix, i, j) {
  const cell = matrixCell(matrix, i, j);
  const lines = [`${matrix.row_title}: ${matrix.rows[i]}`, `${matrix.column_title}: ${matrix.columns[j]}`];
  if (cell === null) return [...lines, "no such cell"];
  if (cell.missing) return [...lines, `missing: ${cell.missing.join("; ")}`];
  lines.push(`${cellText(cell)} ${matrix.unit}`);
  if (cell.word) lines.push(cell.word);
  matrix.details.forEach((name, d) => {
    if (typeof cell.details[d] === "number") lines.push(`${name}: ${cellText({ value: cell.details[d] })}`);
  });
  return lines;
}

// A matrix as a table with one row per cell.
function cellsTable(matrix) {
  const rows = [];
  matrix.rows.forEach((row, i) => {
    matrix.columns.forEach((column, j) => {
      const cell = matrixCell(matrix, i, j);
      if (cell === null) return;
      const details = cell.missing ? [] : cell.details;
      rows.push([row, column, cell, ...matrix.details.map((_, d) => detail(details[d]))]);
    });
  });
  return {
    title: matrix.title,
    columns: [matrix.row_title, matrix.column_title, matrix.unit, ...matrix.details],
    numeric: [false, false, true, ...matrix.details.map(() => true)],
    rows,
  };
}

function detail(value) {
  return typeof value === "number" ? { value } : null;
}
