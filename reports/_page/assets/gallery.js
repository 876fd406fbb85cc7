// The gallery: queries, and what each method finds for them. Text and attributes alone: no name is ever read as HTML.

const GALLERY_SIDE = 80; // CSS pixels of a picture
const GALLERY_LONG = 40; // characters of a name that are always seen
const GALLERY_SMALL = 48; // pixels up to which a picture is enlarged pixel by pixel, a whole number of times

function galleryElement(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A name; it may be broken after an underscore.
function galleryText(text, title) {
  const parts = text.split(/(?<=_)/).flatMap((part, i) => (i ? [galleryElement("wbr"), part] : [part]));
  return galleryElement("bdi", { title: title === text && text.length <= GALLERY_LONG ? null : title }, ...parts);
}

function galleryNumber(value) {
  return value.toLocaleString("en");
}

function gallerySide(side) {
  return side > GALLERY_SMALL || !side ? GALLERY_SIDE : side * Math.max(1, Math.round(GALLERY_SIDE / side - 0.05));
}

// Names of an item's classes: short ones, and as they are.
function galleryClasses(view, classes) {
  if (!classes.length) return ["no class", "no class"];
  return [0, 1].map((form) => classes.map((c) => view.classes[c][form]).join(", "));
}

function galleryRank([, first, last]) {
  return first === last ? `rank ${galleryNumber(first)}` : `rank ${galleryNumber(first)} to ${galleryNumber(last)}`;
}

// The picture of an item, or what stands for it.
function galleryPicture(view, pictures, item, alt) {
  const [row] = view.items[item];
  if (row === null) return [];
  const source = pictures.images[row];
  if (source === null) return [galleryElement("span", { class: "g-gone", role: "img", "aria-label": `${alt}, image missing` }, "image missing")];
  return [galleryElement("img", { src: source, alt, class: pictures.side <= GALLERY_SMALL ? "g-pixels" : null, decoding: "async" })];
}

function galleryFound(view, pictures, tie, [item, , relevant]) {
  const [short, whole] = galleryClasses(view, view.items[item][1]);
  const words = `class ${short}, distance ${tie[0]}, ${galleryRank(tie)}, ${relevant ? "relevant" : "not relevant"}`;
  const mark = galleryElement("span", { class: "g-mark", "aria-hidden": "true" }, relevant ? "\u2713" : "\u2717");
  const picture = galleryPicture(view, pictures, item, words), seen = picture.length > 0;
  const name = galleryText(short, whole);
  const frame = galleryElement("div", { class: "g-frame", "aria-hidden": seen ? null : "true" }, ...(seen ? picture : [name]), mark);
  const caption = seen ? galleryElement("figcaption", { "aria-hidden": "true" }, name) : galleryElement("figcaption", { class: "unseen" }, words);
  return galleryElement("li", {}, galleryElement("figure", { class: relevant ? "g-item g-right" : "g-item g-wrong" }, frame, caption));
}

// One method's nearest items, those at one distance together.
function galleryStrip(view, pictures, method, result) {
  const ties = result.ties.map((tie, i) => {
    const [distance, first, last, right] = tie;
    const lines = [`distance ${distance}`, galleryRank(tie).replace(" to ", "–")];
    if (last > first) lines.push(`${galleryNumber(right)} of ${galleryNumber(last - first + 1)} right`);
    const head = galleryElement("p", { class: "g-tie-head" }, ...lines.map((line) => galleryElement("span", {}, line)));
    const items = result.found.filter((found) => found[1] === i).map((found) => galleryFound(view, pictures, tie, found));
    return galleryElement("li", { class: "g-tie" }, head, galleryElement("ul", {}, ...items));
  });
  return galleryElement("ol", { class: "g-strip", tabindex: 0, role: "list", "aria-label": `Nearest by ${method}` }, ...ties);
}

function galleryQuery(view, pictures, query, groups) {
  const [short, whole] = galleryClasses(view, view.items[query.item][1]);
  const database = query.relevant === 1 ? "1 item of the database is right." : `${galleryNumber(query.relevant)} items of the database are right.`;
  const words = [galleryElement("h3", {}, galleryText(short, whole)), galleryElement("p", {}, database)];
  if (groups.length) words.push(galleryElement("p", {}, `Also: ${groups.map((g) => g.title.toLowerCase()).join(", ")}.`));
  const picture = galleryPicture(view, pictures, query.item, `query, class ${short}`);
  const head = galleryElement("div", { class: "g-query-head" }, ...picture.map((p) => galleryElement("div", { class: "g-frame" }, p)), galleryElement("div", {}, ...words));
  const rows = view.methods.map((method, i) => galleryElement("div", { class: "g-method" },
    galleryElement("p", { class: "g-method-name" }, galleryText(method, method), galleryElement("span", {}, `AP ${query.ap[i] === null ? "–" : query.ap[i].toFixed(3)}`)),
    galleryStrip(view, pictures, method, query.results[i])));
  return galleryElement("article", { class: "g-query" }, head, ...rows);
}

function galleryConfused(view, found) {
  const head = ["Class of the query", "Class found", `Share of the ${found.nearest} nearest`, "Distance of centers"];
  const name = (c) => galleryText(...view.classes[c]);
  const rows = found.pairs.map(([a, b, share, apart]) => galleryElement("tr", {},
    galleryElement("th", { scope: "row" }, name(a)), galleryElement("td", {}, name(b)),
    galleryElement("td", { class: "n" }, `${(100 * share).toFixed(1)} %`), galleryElement("td", { class: "n" }, apart === null ? "–" : `${apart} bits`)));
  const table = galleryElement("table", {},
    galleryElement("thead", {}, galleryElement("tr", {}, ...head.map((text, i) => galleryElement("th", { scope: "col", class: i > 1 ? "n" : null }, text)))),
    galleryElement("tbody", {}, ...rows));
  const own = `${(100 * found.own).toFixed(1)} % of the ${found.nearest} nearest are of the query's own class, as a mean over ${galleryNumber(found.queries)} queries.`;
  const box = galleryElement("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Classes found for others" }, table);
  return [galleryElement("p", {}, own), rows.length ? box : galleryElement("p", {}, "No other class is among them.")];
}

function renderGallery(root, data) {
  const choice = { view: 0, group: "random", method: 0 };
  const select = (label, pairs, then) => {
    const box = galleryElement("select", {}, ...pairs.map((text, i) => galleryElement("option", { value: i }, text)));
    box.addEventListener("change", () => then(Number(box.value)));
    const whole = galleryElement("label", {}, `${label} `, box);
    whole.hidden = pairs.length < 2;
    return whole;
  };
  const controls = galleryElement("div", { class: "controls row g-controls" }), queries = galleryElement("div"), confused = galleryElement("div", { class: "g-confused" });
  root.classList.add("g-root");
  root.replaceChildren();

  function drawQueries(view) {
    const group = view.groups.find((g) => g.name === choice.group) || view.groups[0];
    const pictures = view.pictures === null ? null : data.pictures[view.pictures];
    root.style.setProperty("--g-side", `${gallerySide(pictures === null ? 0 : pictures.side)}px`);
    for (const button of controls.querySelectorAll("[data-group]")) button.setAttribute("aria-pressed", String(button.dataset.group === group.name));
    const shown = group.queries.map((place) => {
      const others = view.groups.filter((g) => g !== group && g.queries.includes(place));
      return galleryQuery(view, pictures, view.queries[place], others);
    });
    queries.replaceChildren(galleryElement("p", { class: "small" }, `${group.title}: ${group.what}.`), ...shown);
  }

  function drawConfused(view) {
    const { methods, said } = view.confusions;
    const found = methods.find((m) => m.method === choice.method) || methods[0];
    const head = galleryElement("h3", {}, "Classes found for others");
    if (!found) {
      confused.replaceChildren(head, galleryElement("p", {}, said || "There is nothing to be searched."));
      return;
    }
    const what = `Of the ${found.nearest} nearest items of a query of one class, so many are of another, as a mean over the class's queries. Of items at the last one's distance each counts by its odds to be among the ${found.nearest}.`;
    const chooser = select("Method", methods.map((m) => view.methods[m.method]), (i) => { choice.method = methods[i].method; drawConfused(view); confused.querySelector("select").focus(); });
    chooser.querySelector("select").value = methods.indexOf(found);
    confused.replaceChildren(head, galleryElement("p", { class: "small" }, what), galleryElement("p", { class: "controls row" }, chooser), ...galleryConfused(view, found));
  }

  function draw() {
    const view = data.views[choice.view];
    const buttons = view.groups.map((g) => {
      const button = galleryElement("button", { type: "button", "data-group": g.name }, g.title);
      button.addEventListener("click", () => { choice.group = g.name; drawQueries(view); });
      return button;
    });
    const chooser = select("Protocol", data.views.map((v) => `${v.title}, ${v.bits} bits`), (i) => { choice.view = i; draw(); controls.querySelector("select").focus(); });
    chooser.querySelector("select").value = choice.view;
    controls.replaceChildren(chooser, galleryElement("div", { class: "g-groups", role: "group", "aria-label": "Queries" }, ...buttons));
    about.replaceChildren(galleryText(view.title), `, ${view.bits} bits, seed ${view.seed}. ${view.said.join(" ")}`);
    drawQueries(view);
    drawConfused(view);
  }

  const about = galleryElement("p");
  for (const text of data.said) root.append(galleryElement("p", {}, text));
  if (!data.views.length) return;
  root.append(about, galleryElement("p", { class: "small" }, data.rule), controls, queries, confused);
  draw();
}
