// Numbers with their intervals, the largest first: the figure that a ranking comes to.

// `part` has title, unit, sign; `columns` are pairs of what is measured and its (name, cell) pairs.
function rankingFigure(part, columns, keep) {
  const names = columns.map(([name]) => name);
  let what = keep.get("of", names[0], names);
  const rows = () => {
    const known = columns.find(([name]) => name === what)[1].filter(([, cell]) => cell && typeof cell.value === "number");
    known.sort((one, other) => compareKeys(cellKey(one[1]), cellKey(other[1]), -1));
    return known.map(([name, cell], place) => ({ name, place, value: cell.value, low: cell.low ?? null, high: cell.high ?? null, word: cell.word ?? null, signed: cell.signed }));
  };
  const key = () => REPORT.verdicts.map(([word]) => word).filter((word) => rows().some((row) => row.word === word)).map(verdictText);
  const below = () => [key().join(", "), "bars: 95% CI"].filter((x) => x).join("; ");
  const specification = () => rankingSpecification(part.unit, part.sign, columns.length > 1 || part.measured ? what : "");
  const picture = () => ({ specification: specification(), rows: rows(), params: {}, title: part.title, below: below() });
  const [holder, drawing] = figure(part, (width) => ({ specification: fitted(specification(), width), rows: rows(), params: {}, config: {} }));
  const legend = make("p", { class: "note" }, below());
  const change = (value) => {
    what = value;
    keep.set("of", value, names[0]);
    legend.textContent = below();
    drawing.draw();
  };
  const tools = make(
    "div",
    { class: "tools" },
    names.length > 1 ? choice("Show", names.map((name) => [name, name]), what, change) : null,
    saveMenu(part.title, { picture }),
  );
  return [make("div", {}, tools, make("div", { class: "scroll" }, holder), legend), drawing.start];
}

// Of a table, the columns that are drawn.
function tableRanking(table, keep) {
  const columns = table.drawn.map((i) => [table.columns[i], table.rows.map((row) => [row[0], row[i]])]);
  return rankingFigure({ ...table, measured: true }, columns, keep);
}

// With what is measured, its unit and what its sign means at the axis.
function rankingSpecification(unit, sign, what) {
  const made = structuredClone(REPORT.ranking);
  const first = what ? `${what} (${unit})` : unit;
  for (const layer of made.layer) {
    if (layer.encoding.y) layer.encoding.x.title = sign ? [first, sign] : first;
  }
  return made;
}
