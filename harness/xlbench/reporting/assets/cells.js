// What a cell of a table may be: a text, a whole number, null, or {value, low, high, word, signed} or {missing}.

const DASH = "–";

// As Number.text of the Python package: rounded once, from the number as it was computed.
function decimal(value, decimals, signed) {
  const text = value.toFixed(decimals);
  if (Number(text) === 0) return text.replace("-", "");
  return signed && value > 0 ? `+${text}` : text;
}

function decimalsOf(cell) {
  if (hasInterval(cell)) return 1 + (cell.high - cell.low < 0.5) + (cell.high - cell.low < 0.05);
  return Math.abs(cell.value) < 10 ? 2 : 1;
}

function cellText(cell) {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return String(cell);
  if (cell.missing) return cell.missing.length ? DASH : "";
  if (cell.value === undefined || cell.value === null) return "";
  const shown = (value) => decimal(value, decimalsOf(cell), cell.signed);
  return hasInterval(cell) ? `${shown(cell.value)} [${shown(cell.low)}, ${shown(cell.high)}]` : shown(cell.value);
}

function hasInterval(cell) {
  return typeof cell.low === "number" && typeof cell.high === "number";
}

// What is sorted by; null comes last in either direction.
function cellKey(cell) {
  if (typeof cell === "string") return cell.toLocaleLowerCase("en");
  if (typeof cell === "number") return cell;
  return cell && typeof cell.value === "number" ? cell.value : null;
}

function compareKeys(one, other, sign) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return sign * (typeof one === "number" ? one - other : one.localeCompare(other, "en"));
}

function cellWord(cell) {
  return cell && typeof cell === "object" && cell.word ? cell.word : "";
}

// A cell of a matrix, from its short form.
function matrixCell(matrix, i, j) {
  const short = matrix.cells[i][j];
  if (short === null) return null;
  if (typeof short === "number") return { missing: [matrix.missing[short]] };
  const [value, low, high, word, ...details] = short;
  return { value, low, high, word, details, signed: matrix.signed };
}

function cellContent(cell) {
  const text = cellText(cell);
  const content = [];
  if (typeof cell === "string" && Object.hasOwn(REPORT.languages, cell)) {
    content.push(make("a", { href: languageAddress(REPORT.languages[cell].code) }, text));
  } else {
    content.push(text);
  }
  const word = cellWord(cell);
  if (word) content.push(" ", verdict(word));
  return content;
}

// Mark, colour and word, so that none of them alone says it.
function verdict(word) {
  const clear = word === "helps" || word === "harms";
  return make("span", { class: `word ${word.replaceAll(" ", "-")}` }, clear ? verdictText(word) : word);
}

function markOf(word) {
  return (REPORT.verdicts.find(([known]) => known === word) || ["", ""])[1];
}

function verdictText(word) {
  return `${markOf(word)} ${word}`.trim();
}

function languageAddress(code) {
  return `#language=${encodeURIComponent(code)}`;
}
