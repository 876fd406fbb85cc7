// Tables: sorted by a click on a column's name, rows filtered by a text.

function sortValue(row, column) {
  const cell = row.cells[column];
  const number = cell.dataset.number;
  return number === undefined ? cell.textContent.trim() : Number(number);
}

// Numbers before texts; a missing value last in both directions.
function compareValues(a, b, sign) {
  const none = (v) => v === "–" || v === "";
  if (none(a) || none(b)) return none(a) - none(b);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const first = [...table.tBodies].flatMap((body) => [...body.rows]).some((row) => row.cells[column].dataset.number !== undefined) ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const direction = head.getAttribute("aria-sort") === first ? other : first;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    for (const body of table.tBodies) {
      body.append(...[...body.rows].sort((a, b) => compareValues(sortValue(a, column), sortValue(b, column), sign)));
    }
  }));
}

function filterable(input) {
  const rows = [...byId(input.dataset.filter).tBodies].flatMap((body) => [...body.rows]);
  const said = input.closest(".filter").querySelector("[role=status]");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
}

function foldable(button) {
  const folded = byId(button.getAttribute("aria-controls"));
  button.addEventListener("click", () => {
    folded.hidden = !folded.hidden;
    button.setAttribute("aria-expanded", String(!folded.hidden));
  });
}
