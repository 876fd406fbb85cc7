// Centers' similarity beside the classes': two pictures with one window that zooms and moves over both.

const BLUES = [[247, 251, 255], [107, 174, 214], [8, 48, 107]]; // from unlike to alike
const LEAST = 4; // classes a side at the largest zoom
const MOST_GROUPS = 60; // of the tree's first level whose borders are drawn

function blue(share) {
  const at = Math.max(0, Math.min(1, share)) * 2, low = Math.min(1, Math.floor(at)), t = at - low;
  return BLUES[low].map((v, c) => Math.round(v + t * (BLUES[low + 1][c] - v)));
}

function centerSimilarity(bytes, count, bits) {
  const width = bytes.length / count, ones = new Uint8Array(256);
  for (let v = 1; v < 256; v++) ones[v] = ones[v >> 1] + (v & 1);
  return (i, j) => {
    let distance = 0;
    for (let b = 0; b < width; b++) distance += ones[bytes[i * width + b] ^ bytes[j * width + b]];
    return 1 - (2 * distance) / bits;
  };
}

// Shared ancestors of two classes, as a share of the longer path.
function treeSimilarity(tree) {
  return (i, j) => {
    const a = tree[i], b = tree[j], most = Math.max(a.length, b.length);
    let shared = 0;
    while (shared < Math.min(a.length, b.length) && a[shared] === b[shared]) shared++;
    return i === j ? 1 : shared / most;
  };
}

function featureSimilarity(features, count) {
  const steps = bytesOf(features.pairs), range = features.high - features.low;
  return (i, j) => {
    const a = Math.min(i, j), b = Math.max(i, j);
    return a === b ? 1 : features.low + (steps[a * count - (a * (a + 1)) / 2 + b - a - 1] / 255) * range;
  };
}

// A picture of C x C, classes in `order`, coloured over the range of the pairs i < j.
function pictureOf(similarity, order) {
  const count = order.length, image = new ImageData(count, count), values = new Float32Array(count * count);
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      const value = similarity(order[i], order[j]);
      values[i * count + j] = values[j * count + i] = value;
      if (i !== j) { low = Math.min(low, value); high = Math.max(high, value); }
    }
  }
  const colours = Array.from({ length: 256 }, (_, i) => blue(i / 255));
  for (let p = 0; p < values.length; p++) {
    const share = high > low ? (values[p] - low) / (high - low) : values[p] > high ? 1 : 0;
    const colour = colours[Math.round(255 * Math.max(0, Math.min(1, share)))];
    image.data.set([colour[0], colour[1], colour[2], 255], 4 * p);
  }
  const canvas = make("canvas", { width: count, height: count });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return { canvas, low, high };
}

function bordersOf(classes) {
  if (!classes.tree) return [];
  const tops = classes.order.map((c) => classes.tree[c][0]);
  const borders = tops.map((top, i) => i).filter((i) => i > 0 && tops[i] !== tops[i - 1]);
  return borders.length < MOST_GROUPS && borders.length < tops.length - 1 ? borders : [];
}

// pair(i, j) -> { name, lines } of the classes at two places.
function matrixView(canvases, said) {
  let pictures = [], borders = [], count = 1, pair = null, window_ = { x: 0, y: 0, size: 1 }, cursor = null;

  const paint = () => canvases.forEach((canvas, c) => {
    const side = Math.round((canvas.clientWidth || 300) * Math.min(2, devicePixelRatio || 1));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d"), scale = side / window_.size;
    context.clearRect(0, 0, side, side);
    if (!pictures[c]) return;
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(pictures[c].canvas, window_.x, window_.y, window_.size, window_.size, 0, 0, side, side);
    context.fillStyle = "rgb(213 94 0 / 0.75)";
    for (const border of borders) {
      context.fillRect((border - window_.x) * scale - 0.5, 0, 1, side);
      context.fillRect(0, (border - window_.y) * scale - 0.5, side, 1);
    }
    if (cursor) {
      const width = Math.max(2, side / 220);
      context.lineWidth = width;
      context.strokeStyle = "#D55E00";
      context.strokeRect((cursor.j - window_.x) * scale - width / 2, (cursor.i - window_.y) * scale - width / 2, scale + width, scale + width);
    }
  });
  const within = () => {
    window_.size = Math.max(Math.min(LEAST, count), Math.min(count, window_.size));
    window_.x = Math.max(0, Math.min(count - window_.size, window_.x));
    window_.y = Math.max(0, Math.min(count - window_.size, window_.y));
  };
  const zoom = (factor, at) => {
    const middle = at || (cursor ? { x: cursor.j + 0.5, y: cursor.i + 0.5 } : { x: window_.x + window_.size / 2, y: window_.y + window_.size / 2 });
    const before = window_.size;
    window_.size /= factor;
    within();
    window_.x = middle.x - (middle.x - window_.x) * (window_.size / before);
    window_.y = middle.y - (middle.y - window_.y) * (window_.size / before);
    within();
    paint();
  };
  const all = () => { window_ = { x: 0, y: 0, size: count }; paint(); };
  const placeOf = (canvas, event) => {
    const frame = canvas.getBoundingClientRect();
    return { x: window_.x + ((event.clientX - frame.left) / frame.width) * window_.size, y: window_.y + ((event.clientY - frame.top) / frame.height) * window_.size };
  };
  const point = (canvas, i, j, at, spoken) => {
    cursor = { i, j };
    paint();
    const { name, lines } = pair(i, j), frame = canvas.getBoundingClientRect(), scale = frame.width / window_.size;
    tip.show(name, lines, at || { x: frame.left + (j + 0.5 - window_.x) * scale, y: frame.top + (i + 0.5 - window_.y) * scale });
    if (spoken) said.textContent = `${name}. ${lines.join(". ")}`;
  };
  const leave = () => { cursor = null; tip.hide(); paint(); };
  const follow_ = () => {
    if (cursor.j < window_.x) window_.x = cursor.j;
    if (cursor.j + 1 > window_.x + window_.size) window_.x = cursor.j + 1 - window_.size;
    if (cursor.i < window_.y) window_.y = cursor.i;
    if (cursor.i + 1 > window_.y + window_.size) window_.y = cursor.i + 1 - window_.size;
    within();
  };

  canvases.forEach((canvas) => {
    let from = null;
    canvas.addEventListener("pointerdown", (event) => { from = { ...placeOf(canvas, event) }; if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", () => { from = null; });
    canvas.addEventListener("pointercancel", () => { from = null; });
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener("pointermove", (event) => {
      if (!pair) return;
      const place = placeOf(canvas, event);
      if (from && window_.size < count) {
        window_.x += from.x - place.x;
        window_.y += from.y - place.y;
        within();
        tip.hide();
        paint();
        return;
      }
      const i = Math.floor(place.y), j = Math.floor(place.x);
      if (i >= 0 && j >= 0 && i < count && j < count) point(canvas, i, j, { x: event.clientX, y: event.clientY }, false);
    });
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.25 : 0.8, placeOf(canvas, event));
    }, { passive: false });
    canvas.addEventListener("blur", leave);
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (!pair) return;
      const view = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: all }[event.key];
      if (view) {
        view();
        if (cursor) point(canvas, cursor.i, cursor.j, null, false);
      }
      else if (event.key === "Escape") leave();
      else if (moves[event.key]) {
        const at = cursor || { i: Math.floor(window_.y), j: Math.floor(window_.x) }, [di, dj] = cursor ? moves[event.key] : [0, 0];
        cursor = { i: Math.max(0, Math.min(count - 1, at.i + di)), j: Math.max(0, Math.min(count - 1, at.j + dj)) };
        follow_();
        point(canvas, cursor.i, cursor.j, null, true);
      } else return;
      event.preventDefault();
    });
  });
  return {
    zoom, all, paint,
    show(newPictures, newBorders, newCount, newPair) {
      const same = newCount === count;
      [pictures, borders, count, pair, cursor] = [newPictures, newBorders, newCount, newPair, null];
      if (same) paint(); else all();
    },
    get size() { return window_.size; },
  };
}
