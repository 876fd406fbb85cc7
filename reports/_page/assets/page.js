// The page comes to life: choices, legend, figures, centers, tables, gallery, theme.

function page(data) {
  const panels = data.panels, hidden = new Set();
  const choice = { panel: 0, bits: null, reference: "pcc", method: null, beside: null };
  const matrix = matrixView([byId("matrix-centers"), byId("matrix-classes")], byId("matrix-said"));
  const hasReference = (panel, key) => panel.entries.some((e) => e[key] !== null && e[key] !== undefined);
  const referenceName = (key) => (key === "pcc" ? "the class tree" : "class means of features");

  function drawFigures() {
    const panel = panels[choice.panel], entries = panel.entries.filter((e) => !hidden.has(e.m));
    const view = {
      panel, methods: data.methods, entries, atBits: entries.filter((e) => e.k === choice.bits), bits: choice.bits,
      reference: choice.reference, referenceName: referenceName(choice.reference), shownCount: new Set(entries.map((e) => e.m)).size,
    };
    byId("figures-of").replaceChildren("Shown: ", nameOf(panel.title), choice.bits === null ? "." : `; all figures but the first at ${choice.bits} bits.`);
    const seeds = Math.max(0, ...panel.entries.map((e) => e.seeds.length));
    for (const words of document.querySelectorAll(".spread-words")) words.textContent = seeds > 1 ? "standard deviation over seeds" : "standard error over queries";
    byId("together").textContent = panel.entries.some((e) => e.together > 1) ? " Cells trained in one pass share its seconds evenly." : "";
    for (const figure of document.querySelectorAll("[data-figure]")) {
      chart(figure.querySelector(".plot"), FIGURES[figure.dataset.figure](view), (series, point, svg) => keep(view, series, point, svg));
    }
  }

  function drawLegend() {
    const used = [...new Set(panels[choice.panel].entries.map((e) => e.m))].sort((a, b) => a - b);
    byId("legend").replaceChildren(...used.map((m) => {
      const swatch = draw("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true" },
        draw("path", { d: "M1 7H29", stroke: colourOf(m), "stroke-width": 1.8, "stroke-dasharray": dashOf(m) }),
        draw("path", { d: markPath(m, 4.6), fill: colourOf(m), transform: "translate(15 7)" }));
      const button = make("button", { type: "button", "aria-pressed": String(!hidden.has(m)), "data-method": m }, swatch, nameOf(data.methods[m]));
      button.addEventListener("click", () => {
        if (!hidden.delete(m)) hidden.add(m);
        button.setAttribute("aria-pressed", String(!hidden.has(m)));
        drawFigures();
      });
      return make("li", {}, button);
    }));
  }

  function drawTables() {
    for (const box of document.querySelectorAll("[data-panels]")) box.hidden = !box.dataset.panels.split(" ").includes(String(choice.panel));
  }

  function chooseMatrix() {
    const panel = panels[choice.panel], classes = panel.classes;
    const centers = classes ? classes.centers.filter((c) => c.k === choice.bits) : [];
    const best = panel.entries.filter((e) => e.k === choice.bits).sort((a, b) => b.map - a.map).map((e) => e.m);
    if (!centers.some((c) => c.m === choice.method)) choice.method = best.find((m) => centers.some((c) => c.m === m));
    options(byId("matrix-method"), centers.map((c) => [c.m, data.methods[c.m]]), choice.method);
    const references = classes ? [...(classes.tree ? [["tree", "class tree"]] : []), ...(classes.features ? [["features", "class means of features"]] : [])] : [];
    if (!references.some(([key]) => key === choice.beside)) choice.beside = references.length ? references[0][0] : null;
    options(byId("matrix-reference"), references, choice.beside);
    byId("matrix-reference").parentElement.hidden = !references.length;
    drawMatrix(classes, centers.find((c) => c.m === choice.method));
    drawConfused(classes);
  }

  function drawMatrix(classes, centers) {
    const said = byId("matrix-missing");
    byId("matrices").hidden = !centers;
    said.hidden = Boolean(centers);
    if (!centers) {
      const many = classes && classes.names.length > classes.most;
      said.textContent = many ? `Shown up to ${classes.most} classes; here are ${classes.names.length}.` : "No cell of this choice has stored centers and names of classes.";
      return;
    }
    const count = classes.names.length, order = classes.order;
    const ofCenters = centerSimilarity(bytesOf(centers.rows), count, centers.k);
    const ofClasses = choice.beside === "tree" ? treeSimilarity(classes.tree) : choice.beside ? featureSimilarity(classes.features, count) : null;
    const pictures = [pictureOf(ofCenters, order), ofClasses && pictureOf(ofClasses, order)];
    const word = choice.beside === "tree" ? "class tree" : "features";
    byId("class-order").textContent = classes.tree ? "the class tree" : classes.features ? "likeness of their features" : "the dataset";
    byId("matrix-classes").parentElement.hidden = !ofClasses;
    const what = `Centers of ${data.methods[centers.m]}, ${centers.k} bits, seed ${centers.seed}`;
    caption("matrix-centers", what, "inner product / bits", pictures[0]);
    if (ofClasses) caption("matrix-classes", choice.beside === "tree" ? "Classes by the class tree" : "Classes by the means of their features", "similarity", pictures[1]);
    matrix.show(pictures, bordersOf(classes), count, (i, j) => {
      const a = order[i], b = order[j], alike = ofCenters(a, b);
      const lines = [`centers ${fixed(alike, 3)}: distance ${Math.round(((1 - alike) * centers.k) / 2)} of ${centers.k} bits`];
      if (ofClasses) lines.push(`${word} ${fixed(ofClasses(a, b), choice.beside === "tree" ? 3 : 2)}`);
      return { name: a === b ? classes.names[a] : `\u2068${classes.names[a]}\u2069 and \u2068${classes.names[b]}\u2069`, lines };
    });
  }

  function caption(id, what, unit, picture) {
    const bar = make("i");
    bar.style.background = `linear-gradient(to right, ${BLUES.map((c) => `rgb(${c.join(" ")})`).join(", ")})`;
    byId(`${id}-caption`).replaceChildren(make("div", {}, make("bdi", {}, what), `: ${unit}`), make("div", { class: "scale" }, fixed(picture.low, 2), bar, fixed(picture.high, 2)));
    byId(id).setAttribute("aria-label", `${what}. ${unit} of every two classes, from ${fixed(picture.low, 2)} to ${fixed(picture.high, 2)}.`);
  }

  function drawConfused(classes) {
    const found = classes && classes.confused.find((c) => c.m === choice.method && c.k === choice.bits);
    const table = byId("confused"), said = byId("confused-said");
    table.replaceChildren();
    if (!found) {
      said.textContent = "Not known here: it takes stored codes of items that have one class each.";
      return;
    }
    said.replaceChildren(nameOf(data.methods[found.m]), ` at ${found.k} bits: ${fixed(100 * found.own, 1)} % of queries, as a mean over classes, are nearest to their own class's center.`, found.pairs.length ? " The classes that most often are not:" : "");
    if (!found.pairs.length) return;
    const tree = classes.tree && treeSimilarity(classes.tree);
    const heads = ["Class", "Nearest to the center of", "Share of its queries", ...(tree ? ["Class tree"] : [])];
    table.append(
      make("caption", {}, "Of each class's queries, those nearest to another class's center; mean over seeds"),
      make("thead", {}, make("tr", {}, ...heads.map((text, i) => make("th", { scope: "col", class: i > 1 ? "n" : null }, text)))),
      make("tbody", {}, ...found.pairs.map(([a, b, share]) => make("tr", {}, make("th", { scope: "row" }, nameOf(classes.names[a])), make("td", {}, nameOf(classes.names[b])), make("td", { class: "n" }, `${fixed(100 * share, 1)} %`), ...(tree ? [make("td", { class: "n" }, fixed(tree(a, b), 2))] : [])))),
    );
  }

  function choosePanel() {
    const panel = panels[choice.panel];
    if (!panel.bits.includes(choice.bits)) choice.bits = panel.bits[Math.floor(panel.bits.length / 2)] ?? null;
    options(byId("choose-bits"), panel.bits.map((k) => [k, `${k} bits`]), choice.bits);
    const keys = ["pcc", "pcc_backbone"].filter((key) => hasReference(panel, key));
    if (keys.length && !keys.includes(choice.reference)) choice.reference = keys[0];
    byId("choose-reference").value = choice.reference;
    byId("reference-label").hidden = keys.length < 2;
    byId("detail").hidden = true;
    drawLegend();
    drawFigures();
    drawTables();
    chooseMatrix();
  }

  const chosen = (id, then) => byId(id).addEventListener("change", (event) => then(event.target.value));
  chosen("choose-panel", (value) => { choice.panel = Number(value); choosePanel(); });
  chosen("choose-bits", (value) => { choice.bits = Number(value); byId("detail").hidden = true; drawFigures(); chooseMatrix(); });
  chosen("choose-reference", (value) => { choice.reference = value; drawFigures(); });
  chosen("matrix-method", (value) => { choice.method = Number(value); chooseMatrix(); });
  chosen("matrix-reference", (value) => { choice.beside = value; chooseMatrix(); });
  byId("zoom-in").addEventListener("click", () => matrix.zoom(1.5));
  byId("zoom-out").addEventListener("click", () => matrix.zoom(1 / 1.5));
  byId("zoom-all").addEventListener("click", () => matrix.all());
  byId("all").addEventListener("click", () => { hidden.clear(); drawLegend(); drawFigures(); });
  byId("none").addEventListener("click", () => { data.methods.forEach((_, m) => hidden.add(m)); drawLegend(); drawFigures(); });
  byId("choose-panel").parentElement.hidden = panels.length < 2;
  choosePanel();

  let width = document.documentElement.clientWidth;
  addEventListener("resize", () => {
    if (width === document.documentElement.clientWidth) return;
    width = document.documentElement.clientWidth;
    drawFigures();
    matrix.paint();
  });
}

function theme() {
  const button = byId("theme"), root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const named = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours"); };
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; named(); });
  system.addEventListener("change", named);
  named();
}

theme();
document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("[data-filter]").forEach(filterable);
document.querySelectorAll(".fold").forEach(foldable);
page(JSON.parse(byId("results-data").textContent));
renderGallery(byId("gallery-root"), JSON.parse(byId("gallery-data").textContent));
