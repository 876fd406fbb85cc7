// What each figure shows of the chosen protocol and code length.

const FEW = 4; // methods whose tie bands are all seen: those of more hide each other

function spreadWords(entry) {
  return entry.seeds.length > 1 ? `mean of ${entry.seeds.length} seeds` : `seed ${entry.seeds[0]}`;
}

function entryLines(entry) {
  const lines = [
    `mAP ${fixed(entry.map)}${entry.spread === null ? "" : ` ± ${fixed(entry.spread)}`}`,
    `${entry.k} bits, ${spreadWords(entry)} (${entry.seeds.join(", ")})`,
  ];
  if (entry.low !== null) lines.push(`95 % over queries ${fixed(entry.low)}–${fixed(entry.high)}`);
  if (entry.worst !== null) lines.push(`order of ties ${fixed(entry.worst)}–${fixed(entry.best)}`);
  return lines;
}

function withBars(entry) {
  return entry.spread === null ? {} : { low: entry.map - entry.spread, high: entry.map + entry.spread };
}

function seriesByMethod(view, entries, points, rest) {
  const found = new Map();
  for (const entry of entries) {
    if (!found.has(entry.m)) found.set(entry.m, []);
    found.get(entry.m).push(entry);
  }
  return [...found].map(([method, own]) => ({ method, name: view.methods[method], points: own.flatMap(points), ...rest(own) }));
}

function bitsFigure(view) {
  const series = seriesByMethod(view, view.entries, (e) => [{ x: e.k, y: e.map, ...withBars(e), lines: entryLines(e), entry: e }], (own) => ({
    line: true, faint: view.shownCount > FEW,
    band: own.filter((e) => e.worst !== null).map((e) => [e.k, e.worst, e.best]),
  }));
  const spacing = Math.min(3, 24 / series.length);
  series.forEach((one, i) => { one.shift = (i - (series.length - 1) / 2) * spacing; });
  const { features, chance, bits } = view.panel;
  const rules = [
    ...(features === null ? [] : [{ at: features, text: "features", dash: "1 3" }]),
    ...(chance === null ? [] : [{ at: chance, text: "chance", dash: "6 4" }]),
  ];
  const values = series.flatMap((s) => s.points.flatMap((p) => [p.y, p.low, p.high]));
  const y = padded([...values, ...rules.map((r) => r.at), 0], 0.05, 0);
  const edge = bits.length > 1 ? (bits[bits.length - 1] / bits[0]) ** 0.1 : 1.3;
  return {
    label: "mAP against code length", empty: "No method is shown.", series, rules,
    x: { title: "code length (bits)", log: true, domain: [bits[0] / edge, bits[bits.length - 1] * edge], ticks: bits.map((k) => ({ at: k, text: String(k) })) },
    y: { title: "mAP", domain: y, ticks: roundTicks(y[0], y[1], 5) },
  };
}

function scatter(view, key, label, title, x) {
  const entries = view.atBits.filter((e) => e[key] !== null && e[key] !== undefined);
  const series = seriesByMethod(view, entries, (e) => [{ x: e[key], y: e.map, ...withBars(e), lines: [...entryLines(e), x.line(e)], entry: e }], () => ({ line: false }));
  const y = padded(series.flatMap((s) => s.points.flatMap((p) => [p.y, p.low, p.high])), 0.08, 0);
  const values = entries.map((e) => e[key]);
  const domain = x.log ? [Math.min(...values) / 1.4, Math.max(...values) * 1.4] : padded(values, 0.08);
  const without = [...new Set(view.atBits.filter((e) => !entries.includes(e)).map((e) => view.methods[e.m]))];
  return {
    label, empty: x.empty, series, front: x.front && frontOf(entries, key),
    note: without.length && entries.length ? `Without ${x.word} here: ${without.join(", ")}.` : "",
    x: { title, log: x.log, domain, ticks: entries.length ? (x.log ? powerTicks(...domain) : roundTicks(...domain, 5)) : [] },
    y: { title: "mAP", domain: y, ticks: entries.length ? roundTicks(...y, 5) : [] },
  };
}

// What no other method reaches in as little time.
function frontOf(entries, key) {
  const front = [];
  for (const e of [...entries].sort((a, b) => a[key] - b[key] || b.map - a.map)) {
    if (!front.length || e.map > front[front.length - 1][1]) front.push([e[key], e.map]);
  }
  return front;
}

function pccFigure(view) {
  return scatter(view, view.reference, `mAP against PCC at ${view.bits} bits`, `PCC with ${view.referenceName}`, {
    log: false, word: "a PCC", line: (e) => `PCC ${fixed(e[view.reference])}`,
    empty: "No method shown has a PCC here: there is no reference, or its centers are equally far apart.",
  });
}

function costFigure(view) {
  return scatter(view, "cost", `mAP against cost at ${view.bits} bits`, "seconds a cell", {
    log: true, word: "seconds", front: true, line: (e) => `${e.cost.toPrecision(3)} seconds`, empty: "No cell has its seconds.",
  });
}

function recallFigure(view) {
  const entries = view.atBits.filter((e) => e.curves.recall);
  const series = seriesByMethod(view, entries, (e) => e.curves.recall.map((x, r) => ({
    x, y: e.curves.precision[r], entry: e, lines: [`within radius ${r}: recall ${fixed(x)}, precision ${fixed(e.curves.precision[r])}`, ...entryLines(e)],
  })).filter((p) => p.x !== null && p.y !== null), () => ({ line: true, marks: 8 }));
  const y = padded([...series.flatMap((s) => s.points.map((p) => p.y)), 0], 0.05, 0);
  return {
    label: `Precision against recall at ${view.bits} bits`, empty: "No cell has curves.", series,
    x: { title: "recall", domain: [0, 1], ticks: roundTicks(0, 1, 5) },
    y: { title: "precision", domain: y, ticks: roundTicks(...y, 5) },
  };
}

function ranksFigure(view) {
  const ranks = view.panel.ranks, entries = view.atBits.filter((e) => e.curves.at);
  const series = seriesByMethod(view, entries, (e) => e.curves.at.map((y, i) => ({
    x: ranks[i], y, entry: e, lines: [`precision at ${ranks[i]}: ${fixed(y)}`, ...entryLines(e)],
  })).filter((p) => p.x !== undefined && p.y !== null), () => ({ line: true, marks: 8 }));
  const y = padded([...series.flatMap((s) => s.points.map((p) => p.y)), 0], 0.05, 0);
  const domain = ranks.length ? [ranks[0], ranks[ranks.length - 1]] : [1, 10];
  return {
    label: `Precision at k at ${view.bits} bits`, empty: "No cell has curves.", series,
    x: { title: "k", log: true, domain, ticks: powerTicks(...domain) },
    y: { title: "precision", domain: y, ticks: roundTicks(...y, 5) },
  };
}

function epochsFigure(view, key, spec) {
  const entries = view.atBits.filter((e) => e.history[key]);
  const series = seriesByMethod(view, entries, (e) => {
    const moved = new Set(e.history.moved), first = spec.relative ? e.history[key][0] : 1;
    return e.history[key].map((value, i) => ({
      x: e.history.epochs[i], y: value === null ? null : value / first, entry: e, stroke: moved.has(e.history.epochs[i]),
      lines: [`epoch ${e.history.epochs[i]}: ${spec.word} ${fixed(value)}`, ...(moved.has(e.history.epochs[i]) ? ["centers reassigned"] : []), ...entryLines(e)],
    })).filter((p) => p.y !== null && Number.isFinite(p.y));
  }, () => ({ line: true, marks: 4 }));
  const values = series.flatMap((s) => s.points.map((p) => p.y)), least = Math.min(...values), most = Math.max(...values);
  const log = spec.relative && least > 0 && most / least > 20;
  const y = log ? [least / 1.3, most * 1.3] : padded(values, 0.06, spec.relative ? 0 : undefined);
  const last = Math.max(2, ...entries.flatMap((e) => e.history.epochs));
  return {
    label: `${spec.label} at ${view.bits} bits`, empty: spec.empty, series,
    x: { title: "epoch", domain: [1, last], ticks: roundTicks(1, last, 6).filter((t) => Number.isInteger(t.at)) },
    y: { title: spec.title, domain: y, log, ticks: !series.length ? [] : log ? powerTicks(...y) : roundTicks(...y, 5) },
  };
}

const FIGURES = {
  bits: bitsFigure, pcc: pccFigure, recall: recallFigure, ranks: ranksFigure, cost: costFigure,
  loss: (view) => epochsFigure(view, "loss", { relative: true, word: "loss", label: "Training loss by epoch", title: "loss / that of epoch 1", empty: "No cell has its training's history." }),
  epochs: (view) => epochsFigure(view, view.reference, { relative: false, word: "PCC", label: "PCC by epoch", title: `PCC with ${view.referenceName}`, empty: "No method shown has a PCC by epoch here: there is no reference, or its centers are equally far apart." }),
};

// What was pointed at, kept: the values by seed, the cells and the commands that check them.
function keep(view, series, point, svg) {
  const box = byId("detail"), entry = point.entry;
  const rows = entry.cells.map((cell, i) => make("tr", {}, make("th", { scope: "row" }, String(entry.seeds[i])), make("td", { class: "n" }, fixed(entry.maps[i])), make("td", {}, make("a", { href: `#cell-${cell}` }, cell)), make("td", {}, make("code", {}, `bench verify ${cell}`))));
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", () => { box.hidden = true; svg.focus(); });
  box.replaceChildren(
    make("p", {}, make("strong", {}, nameOf(series.name))), ...point.lines.map((line) => make("p", {}, line)),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...["Seed", "mAP", "Cell", "Checked by"].map((text, i) => make("th", { scope: "col", class: i === 1 ? "n" : null }, text)))), make("tbody", {}, ...rows))),
    make("p", { class: "controls" }, close),
  );
  svg.closest("figure").append(box);
  box.hidden = false;
  box.focus({ preventScroll: true });
}
