// Elements made of text and attributes alone: no name is ever read as HTML.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children) element.append(child);
  return element;
}

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

function nameOf(text) {
  return make("bdi", { class: "name" }, text);
}

function fixed(value, digits = 4) {
  return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
}

function options(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => make("option", { value }, text)));
  if (pairs.some(([value]) => String(value) === String(chosen))) select.value = chosen;
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// The tooltip: a name, then lines of text; `at` is a point of the window.
const tip = {
  show(name, lines, at) {
    const box = byId("tip");
    box.replaceChildren(make("p", { class: "tip-name" }, make("bdi", {}, name)));
    for (const line of lines) box.append(make("p", {}, make("bdi", {}, line)));
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const right = at.x + 14 + width < innerWidth ? at.x + 14 : Math.max(4, at.x - 14 - width);
    const below = at.y + 14 + height < innerHeight ? at.y + 14 : Math.max(4, at.y - 14 - height);
    box.style.left = `${Math.max(4, Math.min(right, innerWidth - width - 4))}px`;
    box.style.top = `${below}px`;
  },
  hide() {
    byId("tip").hidden = true;
  },
};
