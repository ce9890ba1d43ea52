// Figures as SVG and PNG, tables as CSV.

const PICTURE_SCALE = 2;

// A menu of what can be saved: `picture` gives {specification, rows, params, title, below}, `table` a table.
function saveMenu(title, { picture, table }) {
  const item = (text, save) => {
    const click = async () => {
      menu.open = false;
      menu.firstChild.focus();
      download(...(await save()));
      say(`${text} saved`);
    };
    return make("button", { type: "button", onclick: click }, text);
  };
  const pictures = picture && typeof vegaEmbed !== "undefined";
  const menu = make(
    "details",
    { class: "save", onkeydown: (event) => event.key === "Escape" && close() },
    make("summary", { "aria-label": `Save: ${title}` }, "Save"),
    make(
      "div",
      {},
      pictures ? item("Figure as SVG", async () => [fileName(picture().title, "svg"), await svgOf(picture()), "image/svg+xml"]) : null,
      pictures ? item("Figure as PNG", async () => [fileName(picture().title, "png"), await pngOf(picture()), "image/png"]) : null,
      table ? item("Table as CSV", async () => [fileName(table().title, "csv"), csvOf(table()), "text/csv"]) : null,
    ),
  );
  function close() {
    menu.open = false;
    menu.firstChild.focus();
  }
  return menu;
}

addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.save[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

function fileName(title, ending) {
  const words = `${REPORT.model} ${title}`.normalize("NFKD").toLowerCase().match(/[\p{L}\p{N}.]+/gu) || ["figure"];
  return `${words.join("-").slice(0, 100)}.${ending}`;
}

function download(name, content, type) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// As the pictures of leaderboards are: titled, in light colours.
async function toSave({ specification, rows, params, title, below }) {
  const titled = { ...specification, title: { text: title, subtitle: below ? [below] : [] }, padding: 16 };
  const look = REPORT.themes.light;
  return embed(make("div"), titled, rows, { ...look.params, ...params }, look.config);
}

async function svgOf(picture) {
  return (await toSave(picture)).toSVG();
}

async function pngOf(picture) {
  const canvas = await (await toSave(picture)).toCanvas(PICTURE_SCALE);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// A number has four columns: value, both ends of its interval, verdict; as they were computed, not rounded.
function csvOf(table) {
  const wide = table.columns.map((_, i) => table.rows.some((row) => isNumber(row[i])));
  const has = (i, what) => table.rows.some((row) => isNumber(row[i]) && row[i][what] !== undefined && row[i][what] !== null);
  const ends = [["low", "95% CI low"], ["high", "95% CI high"], ["word", "verdict"]];
  const more = wide.map((is, i) => (is ? ends.filter(([what]) => has(i, what)) : []));
  const head = table.columns.flatMap((name, i) => [name, ...more[i].map(([, said]) => `${name}: ${said}`)]);
  const lines = table.rows.map((row) =>
    row.flatMap((cell, i) => (wide[i] ? [plain(cell), ...more[i].map(([what]) => (isNumber(cell) ? cell[what] : ""))] : [plain(cell)])),
  );
  return [head, ...lines].map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

function isNumber(cell) {
  return cell !== null && typeof cell === "object";
}

function plain(cell) {
  return isNumber(cell) ? cell.value : cell;
}

// A text that a spreadsheet would take for a formula is marked as text.
function quoted(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
