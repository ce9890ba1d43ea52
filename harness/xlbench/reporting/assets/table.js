// Tables that can be sorted, searched and filtered.

const FIRST_ROWS = 50;
const MORE_ROWS = 500;
const FEW_ROWS = 6;
const MOST_OPTIONS = 12;
const LONG = 40; // letters from which a text needs room, also on a phone

// `table` has title, columns, numeric, rows; returns tools, the table, and its notes. What is chosen is kept:
// the column that is sorted by, "2" or from the largest "-2"; what is searched for; the filter of each column.
function dataTable(table, keep) {
  const found = Number(keep.get("sort", "0", ["0", ...table.columns.flatMap((_, i) => [`${i + 1}`, `-${i + 1}`])]));
  const state = { search: keep.get("find"), filters: new Map(), column: Math.abs(found) - 1, sign: Math.sign(found) || 1, limit: FIRST_ROWS };
  const rows = table.rows.map((cells) => ({
    cells,
    text: cells.map((cell) => `${cellText(cell)} ${cellWord(cell)}`).join(" ").toLocaleLowerCase("en"),
  }));
  const count = make("output", { class: "count", "aria-live": "polite" });
  const body = make("tbody");
  const heads = table.columns.map((name, i) => {
    const button = make("button", { type: "button", onclick: () => sortBy(i) }, name);
    return make("th", { scope: "col", class: table.numeric[i] ? "number" : "", "aria-sort": "none" }, button);
  });
  const more = make("button", { type: "button", class: "more", onclick: showMore }, "");

  function showMore() {
    state.limit += MORE_ROWS;
    show();
  }

  function sortBy(i) {
    // Numbers are first sorted from the largest, texts from A.
    const first = table.numeric[i] ? -1 : 1;
    state.sign = state.column === i ? -state.sign : first;
    state.column = i;
    keep.set("sort", String(state.sign * (i + 1)), "0");
    show();
  }

  function matching() {
    const found = rows.filter(
      (row) =>
        row.text.includes(state.search.trim().toLocaleLowerCase("en")) &&
        [...state.filters].every(([i, wanted]) => wanted === "" || optionOf(row.cells[i]) === wanted),
    );
    if (state.column < 0) return found;
    const key = (row) => cellKey(row.cells[state.column]);
    return found.sort((one, other) => compareKeys(key(one), key(other), state.sign));
  }

  function show() {
    const found = matching();
    const shown = found.slice(0, state.limit);
    heads.forEach((head, j) => {
      head.setAttribute("aria-sort", j !== state.column ? "none" : state.sign === 1 ? "ascending" : "descending");
    });
    body.replaceChildren(...shown.map(tableRow));
    const of = found.length === rows.length ? counted(rows.length, "row") : `${found.length} of ${counted(rows.length, "row")}`;
    count.textContent = shown.length < found.length ? `${of}, the first ${shown.length} shown` : of;
    more.textContent = `Show ${Math.min(MORE_ROWS, found.length - shown.length)} more`;
    more.hidden = shown.length === found.length;
  }

  function tableRow(row) {
    return make(
      "tr",
      {},
      ...row.cells.map((cell, i) => {
        const missing = cell && cell.missing ? cell.missing.join("; ") : null;
        const long = typeof cell === "string" && cell.length >= LONG;
        const attributes = { class: table.numeric[i] ? "number" : long ? "long" : "", title: missing };
        return i === 0
          ? make("th", { ...attributes, scope: "row" }, ...cellContent(cell))
          : make("td", attributes, ...cellContent(cell));
      }),
    );
  }

  const search = make("input", {
    type: "search",
    value: state.search,
    oninput: () => {
      state.search = search.value;
      keep.set("find", search.value, "", true);
      state.limit = FIRST_ROWS;
      show();
    },
  });
  const filters = filterable(table).map(([i, name, options]) => {
    state.filters.set(i, keep.get(`is${i + 1}`, "", options));
    return choice(name, [["", "all"], ...options.map((x) => [x, x])], state.filters.get(i), (value) => {
      state.filters.set(i, value);
      keep.set(`is${i + 1}`, value);
      show();
    });
  });
  const save = saveMenu(table.title, { table: () => ({ ...table, rows: matching().map((row) => row.cells) }) });
  const tools = rows.length < FEW_ROWS ? [] : [make("label", { class: "choice" }, make("span", {}, "Search"), search), ...filters, count];
  // What is printed is whole.
  const whole = () => {
    state.limit = Infinity;
    show();
  };
  show();
  return make(
    "div",
    { class: "data", onwhole: whole },
    make("div", { class: "tools" }, ...tools, save),
    make(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": table.title },
      make("table", {}, make("caption", {}, table.title), make("thead", {}, make("tr", {}, ...heads)), body),
    ),
    more,
    ...notes(table),
  );
}

function notes(part) {
  return [part.note, part.gaps].filter((text) => text).map((text) => make("p", { class: "note" }, text));
}

// What a filter knows a cell by: its text, or the word of a number.
function optionOf(cell) {
  return typeof cell === "string" ? cell : cellWord(cell);
}

// Columns of few texts, or of numbers with words.
function filterable(table) {
  const found = [];
  table.columns.forEach((name, i) => {
    const options = [...new Set(table.rows.map((row) => optionOf(row[i])).filter((x) => x))].sort();
    if (options.length > 1 && options.length <= Math.min(MOST_OPTIONS, table.rows.length / 2)) found.push([i, name, options]);
  });
  return found;
}
