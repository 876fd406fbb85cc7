// One chart as SVG: axes, lines, marks, error bars; pointer and arrow keys go from point to point.

const LINES = ["", "7 3", "2 2", "7 2 2 2"];
const COLOURS = 8;
const REACH = 40; // pixels from a point within which the pointer means it

function colourOf(method) {
  return `var(--m${method % COLOURS})`;
}

function dashOf(method) {
  return LINES[Math.floor(method / COLOURS) % LINES.length];
}

// The outline of a method's mark around (0, 0): o s D ^ v P X * < > p, as in the figures on paper.
function markPath(method, size) {
  const corners = (n, turn, inner) =>
    Array.from({ length: inner ? 2 * n : n }, (_, i) => {
      const angle = (2 * Math.PI * i) / (inner ? 2 * n : n) + turn - Math.PI / 2;
      const radius = size * (inner && i % 2 ? inner : 1.15);
      return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
    });
  const closed = (points) => `M${points.join("L")}Z`;
  const a = size * 0.4, b = size * 1.1;
  const plus = [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]];
  const turned = plus.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
  const shapes = [
    () => `M${-size} 0A${size} ${size} 0 1 0 ${size} 0A${size} ${size} 0 1 0 ${-size} 0Z`,
    () => closed(corners(4, Math.PI / 4)), () => closed(corners(4, 0)), () => closed(corners(3, 0)),
    () => closed(corners(3, Math.PI)), () => closed(plus.map((p) => p.map((v) => v.toFixed(2)).join(" "))),
    () => closed(turned.map((p) => p.map((v) => v.toFixed(2)).join(" "))), () => closed(corners(5, 0, 0.5)),
    () => closed(corners(3, -Math.PI / 2)), () => closed(corners(3, Math.PI / 2)),
    () => closed(corners(5, 0)),
  ];
  return shapes[method % shapes.length]();
}

// Round values from `low` to `high`, about `n` of them.
function roundTicks(low, high, n) {
  const raw = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= raw * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
    ticks.push({ at: i * step, text: fixed(i * step, digits) });
  }
  return ticks;
}

function powerTicks(low, high) {
  const steps = high / low > 200 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const at = step * 10 ** power;
      if (at >= low * 0.999 && at <= high * 1.001) ticks.push({ at, text: at >= 1e4 ? `${at / 1000}k` : String(Number(at.toPrecision(3))) });
    }
  }
  return ticks;
}

function padded(values, share, floor) {
  const found = values.filter((v) => v !== null && v !== undefined && Number.isFinite(v));
  let low = Math.min(...found), high = Math.max(...found);
  const room = (high - low || Math.abs(high) || 1) * share;
  low = floor !== undefined && low >= floor && low - room < floor ? floor : low - room;
  return [low, high + room];
}

// spec: label, empty, x and y {title, domain, ticks, log}, rules [{at, text, dash}] beside which stands a text, front
// [[x, y]] as steps, note, series [{method, name, points [{x, y, low, high, lines, entry, stroke}], line, marks, band
// [[x, low, high]], faint (the band is seen only when the series is pointed at), shift}]; kept(series, point) on click.
function chart(host, spec, kept) {
  host.replaceChildren();
  if (!spec.series.some((s) => s.points.length)) {
    host.append(make("p", {}, spec.empty));
    return;
  }
  const width = Math.max(260, Math.round(host.clientWidth || 420));
  const height = Math.round(Math.min(360, Math.max(240, width * 0.66)));
  const box = { left: 52, right: width - (spec.rules && spec.rules.length ? 62 : 10), top: 12, bottom: height - 42 };
  const scale = (axis, from, to) => {
    const f = axis.log ? Math.log : (v) => v;
    const [a, b] = axis.domain.map(f);
    return (v) => from + ((f(v) - a) / (b - a || 1)) * (to - from);
  };
  const px = scale(spec.x, box.left, box.right), py = scale(spec.y, box.bottom, box.top);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", "aria-roledescription": "figure", "aria-label": `${spec.label}. Arrow keys go from point to point.` });
  svg.append(axes(spec, box, px, py));
  const clip = `clip-${host.parentElement.dataset.figure}`;
  svg.append(draw("clipPath", { id: clip }, draw("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top })));
  const groups = spec.series.map((series) => seriesOf(series, clip, px, py));
  svg.append(...groups);
  const ring = draw("circle", { class: "ring", r: 7, visibility: "hidden" });
  svg.append(ring);
  host.append(svg);
  if (spec.note) host.append(make("p", { class: "small note" }, make("bdi", {}, spec.note)));
  follow(svg, ring, spec.series, groups, (s, p) => ({ x: px(p.x) + (s.shift || 0), y: py(p.y) }), kept);
}

function axes(spec, box, px, py) {
  const group = draw("g", { "aria-hidden": "true" });
  for (const tick of spec.y.ticks) {
    const y = py(tick.at);
    group.append(draw("path", { class: "grid", d: `M${box.left} ${y}H${box.right}` }));
    group.append(draw("text", { x: box.left - 7, y: y + 4, "text-anchor": "end" }, tick.text));
  }
  let free = -Infinity;
  for (const tick of spec.x.ticks) {
    const x = px(tick.at), half = tick.text.length * 3.6 + 3;
    group.append(draw("path", { class: "axis", d: `M${x} ${box.bottom}v4` }));
    if (x - half < free) continue;
    free = x + half;
    group.append(draw("text", { x, y: box.bottom + 17, "text-anchor": "middle" }, tick.text));
  }
  group.append(draw("path", { class: "axis", d: `M${box.left} ${box.bottom}H${box.right}` }));
  group.append(draw("text", { class: "title", x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, spec.x.title));
  const middle = (box.top + box.bottom) / 2;
  group.append(draw("text", { class: "title", x: 12, y: middle, transform: `rotate(-90 12 ${middle})`, "text-anchor": "middle" }, spec.y.title));
  for (const rule of spec.rules || []) {
    const y = py(rule.at);
    group.append(draw("path", { class: "rule", d: `M${box.left} ${y}H${box.right}`, "stroke-dasharray": rule.dash }));
    group.append(draw("text", { x: box.right + 5, y: y + 4 }, rule.text));
  }
  if (spec.front) {
    const places = spec.front.map(([x, y]) => [px(x), py(y)]);
    const steps = places.map(([x, y], i) => (i ? `H${x}V${y}` : `M${x} ${y}`));
    group.append(draw("path", { class: "rule front", d: `${steps.join("")}H${box.right}` }));
  }
  return group;
}

function seriesOf(series, clip, px, py) {
  const colour = colourOf(series.method), shift = series.shift || 0;
  const group = draw("g", { class: "series", transform: `translate(${shift} 0)`, "data-method": series.method });
  const n = (v) => v.toFixed(1);
  if (series.band && series.band.length > 1) {
    const up = series.band.map(([x, , high]) => `${n(px(x))} ${n(py(high))}`);
    const down = series.band.map(([x, low]) => `${n(px(x))} ${n(py(low))}`).reverse();
    const d = `M${up.join("L")}L${down.join("L")}Z`;
    group.append(draw("g", { "clip-path": `url(#${clip})` }, draw("path", { class: series.faint ? "band faint" : "band", fill: colour, d })));
  }
  const places = series.points.map((p) => `${n(px(p.x))} ${n(py(p.y))}`);
  if (series.line && places.length > 1) {
    group.append(draw("path", { class: "line", stroke: colour, "stroke-dasharray": dashOf(series.method), d: `M${places.join("L")}` }));
  }
  const every = series.marks ? Math.max(1, Math.ceil(series.points.length / series.marks)) : 1;
  series.points.forEach((p, i) => {
    const x = n(px(p.x)), y = n(py(p.y));
    if (p.low !== undefined && p.low !== null) {
      group.append(draw("path", { class: "error", stroke: colour, d: `M${x} ${n(py(p.low))}V${n(py(p.high))}m-4 0h8M${n(px(p.x) - 4)} ${n(py(p.low))}h8` }));
    }
    if (p.stroke) group.append(draw("path", { class: "error", stroke: colour, d: `M${x} ${n(py(p.y) - 6)}v12` }));
    if (series.marks !== 0 && (i % every === 0 || i === series.points.length - 1)) {
      group.append(draw("path", { class: "mark", fill: colour, transform: `translate(${x} ${y})`, d: markPath(series.method, 4.6) }));
    }
  });
  return group;
}

// Which point is meant: the nearest to the pointer, or where the arrow keys have gone.
function follow(svg, ring, series, groups, place, kept) {
  let s = -1, i = -1;
  const window_ = (at) => {
    const frame = svg.getBoundingClientRect(), k = frame.width / svg.viewBox.baseVal.width;
    return { x: frame.left + at.x * k, y: frame.top + at.y * k };
  };
  const show = (spoken) => {
    const point = series[s].points[i], at = place(series[s], point);
    ring.setAttribute("cx", at.x);
    ring.setAttribute("cy", at.y);
    ring.setAttribute("visibility", "visible");
    groups.forEach((group, j) => {
      group.classList.toggle("dim", j !== s);
      group.classList.toggle("lit", j === s);
    });
    tip.show(series[s].name, point.lines, window_(at));
    if (spoken) byId("said").textContent = `${series[s].name}. ${point.lines.join(". ")}`;
  };
  const clear = () => {
    ring.setAttribute("visibility", "hidden");
    groups.forEach((group) => group.classList.remove("dim", "lit"));
    tip.hide();
  };
  const nearest = (event) => {
    const frame = svg.getBoundingClientRect(), k = svg.viewBox.baseVal.width / frame.width;
    const x = (event.clientX - frame.left) * k, y = (event.clientY - frame.top) * k;
    let least = REACH;
    s = -1;
    series.forEach((one, j) => one.points.forEach((point, l) => {
      const at = place(one, point), distance = Math.hypot(at.x - x, at.y - y);
      if (distance < least) [least, s, i] = [distance, j, l];
    }));
    return s >= 0;
  };
  const filled = series.map((one, j) => j).filter((j) => series[j].points.length);
  const step = (of, by) => {
    const at = filled.indexOf(s);
    s = filled[Math.max(0, Math.min(filled.length - 1, at + of))];
    i = Math.max(0, Math.min(series[s].points.length - 1, i + by));
  };
  svg.addEventListener("pointermove", (event) => (nearest(event) ? show(false) : clear()));
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("blur", clear);
  svg.addEventListener("click", (event) => { if (nearest(event)) { show(false); kept(series[s], series[s].points[i], svg); } });
  svg.addEventListener("focus", () => {
    if (!svg.matches(":focus-visible")) return;
    if (s < 0) [s, i] = [filled[0], 0];
    show(true);
  });
  svg.addEventListener("keydown", (event) => {
    if (s < 0) [s, i] = [filled[0], 0];
    const last = series[s].points.length - 1;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -last], End: [0, last] };
    if (event.key === "Escape") clear();
    else if (event.key === "Enter") kept(series[s], series[s].points[i], svg);
    else if (moves[event.key]) {
      event.preventDefault();
      step(...moves[event.key]);
      show(true);
    }
  });
}
