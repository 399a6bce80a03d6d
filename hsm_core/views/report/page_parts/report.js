"use strict";
// Draws the page from its data. Text from the data only ever becomes textContent: it may come from anybody.
(() => {
const LINES = 1500, ROW = 24, BEST = 300;
let data = JSON.parse(document.getElementById("content").textContent);
const kind = document.body.dataset.kind, page = document.getElementById("page");
const view = { filter: "", state: "", sort: "", down: false, brushes: new Map(), rows: [] };

function el(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("aria-") || name === "role") made.setAttribute(name, value); else made[name] = value;
  }
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const show = (value) => value === null || value === undefined ? "" : isNumber(value) && !Number.isInteger(value)
  ? String(Number(value.toPrecision(5))) : String(value);
const column = (name) => data.columns.find((one) => one.name === name);
const metricColumn = () => data.columns.find((one) => one.kind === "metric" && one.key === data.metric);
const parameters = () => data.columns.filter((one) => one.kind === "parameter");
const count = () => data.columns.length ? data.columns[0].values.length : 0;
const better = (a, b) => data.mode === "max" ? a > b : a < b;
const hours = (value) => value >= 1 ? value.toFixed(1) + " h" : value >= 1 / 60 ? (value * 60).toFixed(1) + " min" : (value * 3600).toFixed(1) + " s";
const sectionOf = (title, ...children) => el("section", {}, el("h2", {}, title), ...children);
const facts = (pairs) => el("dl", {}, ...pairs.filter(([, text]) => text).flatMap(([name, text]) =>
  [el("dt", {}, name), el("dd", {}, String(text))]));
function viridis(share) {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const at = Math.max(0, Math.min(1, share)) * 4, low = Math.min(3, Math.floor(at));
  return `rgb(${stops[low].map((one, place) => Math.round(one + (stops[low + 1][place] - one) * (at - low)))})`;
}

// ---- what is chosen: by words, by state, by brushes

function holds(term, row) {
  const found = /^([\w.@/+-]+)(<=|>=|!=|=|<|>)(.+)$/.exec(term);
  const named = found && (column(found[1]) || data.columns.find((one) => one.name.endsWith("." + found[1])));
  if (!named) {
    const word = term.toLowerCase();
    return data.columns.some((one) => one.values[row] !== null && String(one.values[row]).toLowerCase().includes(word));
  }
  const value = named.values[row], text = found[3], number = Number(text);
  if (found[2] === "=") return String(value) === text || (isNumber(value) && value === number);
  if (found[2] === "!=") return !(String(value) === text || (isNumber(value) && value === number));
  if (!isNumber(value)) return false;
  return { "<": value < number, ">": value > number, "<=": value <= number, ">=": value >= number }[found[2]];
}
function choose() {
  const terms = view.filter.split(/\s+/).filter(Boolean), states = column("state");
  const brushes = [...view.brushes].map(([name, range]) => [axisOf(name), range]).filter(([axis]) => axis);
  const chosen = [];
  for (let row = 0; row < count(); row++) {
    if (view.state && states.values[row] !== view.state) continue;
    if (brushes.some(([axis, range]) => { const at = axis.at(row); return at === null || at < range[0] || at > range[1]; })) continue;
    if (terms.every((term) => holds(term, row))) chosen.push(row);
  }
  const by = column(view.sort);
  if (by) chosen.sort((a, b) => order(by.values[a], by.values[b]) || a - b);
  view.rows = chosen;
}
function order(a, b) {
  const lacking = (value) => value === null || value === "nan";
  if (lacking(a) || lacking(b)) return Number(lacking(a)) - Number(lacking(b));
  const way = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return view.down ? -way : way;
}
function update() {
  choose();
  const shown = document.getElementById("shown");
  if (shown) { shown.textContent = `${view.rows.length} of ${count()} tasks`; fillRows(); }
  draw("parallel");
}

// ---- canvases, drawn when they are scrolled to

const charts = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { charts.get(entry.target).seen = true; paint(entry.target); }
}, { rootMargin: "100px" });
function chart(id, height, label, painter) {
  const canvas = el("canvas", { id, role: "img", "aria-label": label });
  canvas.style.height = height + "px";
  charts.set(canvas, { painter, height, seen: false });
  observer.observe(canvas);
  return canvas;
}
function paint(canvas) {
  const known = charts.get(canvas), scale = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.width = width * scale; canvas.height = known.height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale); pen.font = "11px system-ui, sans-serif"; pen.fillStyle = colour("--text"); pen.strokeStyle = colour("--line");
  known.painter(pen, width, known.height, canvas);
  canvas.dataset.drawn = "yes";
}
function draw(id) {
  const canvas = document.getElementById(id);
  if (canvas && charts.get(canvas).seen) paint(canvas);
}
window.addEventListener("resize", () => { for (const [canvas, known] of charts) if (known.seen) paint(canvas); fillRows(); });
for (const way of ["beforeprint"]) window.addEventListener(way, () => { for (const canvas of charts.keys()) paint(canvas); });

function range(values) {
  let low = Infinity, high = -Infinity, positive = true;
  for (const value of values) if (isNumber(value)) { low = Math.min(low, value); high = Math.max(high, value); positive = positive && value > 0; }
  return { low, high, log: positive && low > 0 && high / low >= 50 };
}
function share(value, within) {
  const f = within.log ? Math.log : (x) => x, low = f(within.low), high = f(within.high);
  return high > low ? (f(value) - low) / (high - low) : 0.5;
}
function ticks(within, most) {
  if (!(within.high > within.low)) return [within.low];
  return Array.from({ length: most }, (_, place) => within.log
    ? Math.exp(Math.log(within.low) + (Math.log(within.high) - Math.log(within.low)) * place / (most - 1))
    : within.low + (within.high - within.low) * place / (most - 1));
}
const brief = (value) => isNumber(value) ? String(Number(value.toPrecision(3))) : String(value).slice(0, 14);

const axes = new Map();
function axisOf(name) {
  if (axes.has(name)) return axes.get(name);
  const found = column(name);
  if (!found) return null;
  const given = found.values.filter((value) => value !== null), numeric = given.length && given.every((value) => isNumber(value) || value === "nan" || value === "inf" || value === "-inf");
  let axis;
  if (numeric) {
    const within = range(found.values);
    axis = { name, numeric, ticks: ticks(within, 5).map((value) => [share(value, within), brief(value)]),
      at: (row) => isNumber(found.values[row]) ? share(found.values[row], within) : null };
  } else {
    const words = [...new Set(given.map(String))].sort(), place = new Map(words.map((word, at) => [word, words.length > 1 ? at / (words.length - 1) : 0.5]));
    axis = { name, numeric, ticks: words.slice(0, 25).map((word) => [place.get(word), brief(word)]),
      at: (row) => found.values[row] === null ? null : place.get(String(found.values[row])) };
  }
  axes.set(name, axis);
  return axis;
}
function sample(rows) {  // the best ones, and a seeded sample of the others
  if (rows.length <= LINES) return rows;
  const values = metricColumn().values, ordered = [...rows].sort((a, b) => better(values[a], values[b]) ? -1 : 1);
  const rest = ordered.slice(BEST); let seed = 1;
  for (let at = rest.length - 1; at > 0; at--) { seed = (seed * 48271) % 2147483647; const to = seed % (at + 1); [rest[at], rest[to]] = [rest[to], rest[at]]; }
  return [...ordered.slice(0, BEST), ...rest.slice(0, LINES - BEST)];
}
const place = (index, axis, width, height, all) => [50 + index * (width - 100) / Math.max(1, all - 1), height - 24 - axis * (height - 72)];
function parallelAxes() { return [...parameters().slice(0, 11).map((one) => one.name), metricColumn().name].map(axisOf); }
function paintParallel(pen, width, height) {
  const all = parallelAxes(), metric = metricColumn(), within = range(metric.values);
  const withMetric = []; for (let row = 0; row < count(); row++) if (isNumber(metric.values[row])) withMetric.push(row);
  const chosen = new Set(view.rows), lines = sample(withMetric);
  const told = document.getElementById("parallel-told");
  if (told) told.textContent = lines.length < withMetric.length ? `${lines.length} of ${withMetric.length} tasks are drawn: the best, and a sample of the others. The table has all.` : `${lines.length} tasks.`;
  const jitter = (row, axis) => axis.numeric ? 0 : (((row * 2654435761) % 1000) / 1000 - 0.5) * 0.03;
  const stroke = (row) => {
    pen.beginPath(); let down = false;
    all.forEach((axis, index) => {
      const at = axis.at(row);
      if (at === null) { down = false; return; }
      const [x, y] = place(index, at + jitter(row, axis), width, height, all.length);
      if (down) pen.lineTo(x, y); else pen.moveTo(x, y);
      down = true;
    });
    pen.stroke();
  };
  pen.lineWidth = 1; pen.globalAlpha = 0.15; pen.strokeStyle = colour("--dim");
  for (const row of lines) if (!chosen.has(row)) stroke(row);
  pen.globalAlpha = lines.length > 300 ? 0.45 : 0.8;
  for (const row of [...lines].reverse()) if (chosen.has(row)) { const at = share(metric.values[row], within); pen.strokeStyle = viridis(data.mode === "max" ? at : 1 - at); stroke(row); }
  pen.globalAlpha = 1; pen.textAlign = "center";
  all.forEach((axis, index) => {
    const [x, top] = place(index, 1, width, height, all.length), [, bottom] = place(index, 0, width, height, all.length);
    pen.strokeStyle = colour("--text"); pen.fillStyle = colour("--text"); pen.beginPath(); pen.moveTo(x, top); pen.lineTo(x, bottom); pen.stroke();
    pen.fillText(axis.name.slice(-22), x, 14 + (index % 2) * 12);
    pen.textAlign = index === all.length - 1 ? "right" : "left"; pen.strokeStyle = colour("--back"); pen.lineWidth = 3;
    for (const [at, text] of axis.ticks) {
      const y = place(index, at, width, height, all.length)[1] + 4, beside = x + (index === all.length - 1 ? -6 : 6);
      pen.strokeText(text, beside, y); pen.fillText(text, beside, y);
    }
    pen.textAlign = "center"; pen.lineWidth = 1;
    const brush = view.brushes.get(axis.name);
    if (brush) { const [, high] = place(index, brush[1], width, height, all.length), [, low] = place(index, brush[0], width, height, all.length);
      pen.fillStyle = colour("--mark"); pen.globalAlpha = 0.35; pen.fillRect(x - 8, high, 16, low - high); pen.globalAlpha = 1; }
  });
}
function brushable(canvas) {
  let moving = null;
  const where = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top, box.width, box.height]; };
  const level = (y, height) => Math.max(-0.03, Math.min(1.03, (height - 24 - y) / (height - 72)));
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y, width, height] = where(event), all = parallelAxes();
    const index = all.findIndex((_, at) => Math.abs(place(at, 0, width, height, all.length)[0] - x) < 22);
    if (index < 0) return;
    canvas.setPointerCapture(event.pointerId); moving = { name: all[index].name, from: level(y, height) }; view.moving = true;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!moving) return;
    const [, y, , height] = where(event), to = level(y, height);
    view.brushes.set(moving.name, [Math.min(moving.from, to), Math.max(moving.from, to)]);
    requestAnimationFrame(update);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!moving) return;
    const [, y, , height] = where(event);
    if (Math.abs(level(y, height) - moving.from) < 0.01) view.brushes.delete(moving.name);
    moving = null; view.moving = false; update();
  });
  canvas.addEventListener("pointercancel", () => { moving = null; view.moving = false; });
  return canvas;
}

// ---- the other charts

function frame(pen, width, height, x, y, title) {
  const left = 56, right = width - 12, top = 22, bottom = height - 24;
  pen.textAlign = "left"; pen.fillStyle = colour("--text"); pen.fillText(title, left, 12);
  pen.strokeStyle = colour("--line"); pen.fillStyle = colour("--dim");
  pen.textAlign = "right";
  for (const value of ticks(y, 4)) { const at = bottom - share(value, y) * (bottom - top); pen.beginPath(); pen.moveTo(left, at); pen.lineTo(right, at); pen.stroke(); pen.fillText(brief(value), left - 4, at + 4); }
  pen.textAlign = "center";
  if (x) for (const value of ticks(x, 4)) pen.fillText(brief(value), left + share(value, x) * (right - left), height - 8);
  return { left, right, top, bottom, x: (value) => left + share(value, x) * (right - left), y: (value) => bottom - share(value, y) * (bottom - top) };
}
function paintParameter(name) {
  return (pen, width, height) => {
    const metric = metricColumn().values, values = column(name).values, groups = new Map(), axis = axisOf(name);
    for (let row = 0; row < count(); row++) if (isNumber(metric[row]) && values[row] !== null) {
      const key = String(values[row]); if (!groups.has(key)) groups.set(key, { value: values[row], of: [], row }); groups.get(key).of.push(metric[row]);
    }
    const box = frame(pen, width, height, null, range(metric), `${metricColumn().name} by ${name}`);
    const x = (row) => box.left + 20 + axis.at(row) * (box.right - box.left - 40);
    const many = count() > 2000 ? Math.ceil(count() / 2000) : 1;
    pen.fillStyle = colour("--mark"); pen.globalAlpha = 0.3;
    for (let row = 0; row < count(); row += many) if (isNumber(metric[row]) && axis.at(row) !== null) pen.fillRect(x(row) - 1 + ((row * 7919) % 9) - 4, box.y(metric[row]) - 1, 2.5, 2.5);
    pen.globalAlpha = 1; pen.strokeStyle = pen.fillStyle = colour("--text");
    if (groups.size <= 40) for (const { of, row } of groups.values()) {
      const mean = of.reduce((sum, one) => sum + one, 0) / of.length, std = of.length > 1 ? Math.sqrt(of.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (of.length - 1)) : 0;
      const y = (value) => Math.max(box.top, Math.min(box.bottom, box.y(value)));
      const within = range(metric), low = within.log ? Math.max(within.low, mean - std) : mean - std;
      pen.beginPath(); pen.moveTo(x(row), y(low)); pen.lineTo(x(row), y(mean + std)); pen.stroke(); pen.fillRect(x(row) - 7, y(mean) - 1.5, 14, 3);
    }
    pen.fillStyle = colour("--dim"); pen.textAlign = "center";
    for (const [at, text] of axis.ticks.slice(0, 12)) pen.fillText(text, box.left + 20 + at * (box.right - box.left - 40), height - 8);
  };
}
function paintCurves(pen, width, height) {
  const points = data.curves.flatMap((one) => one.points), box = frame(pen, width, height, { ...range(points.map((one) => one[0])), log: false }, range(points.map((one) => one[1])), `${data.metric} by step`);
  [...data.curves].reverse().forEach((curve, back) => {
    const index = data.curves.length - 1 - back;
    pen.strokeStyle = viridis(0.9 - 0.85 * index / Math.max(1, data.curves.length - 1)); pen.lineWidth = index ? 1 : 2.5; pen.beginPath();
    curve.points.forEach(([step, value], at) => at ? pen.lineTo(box.x(step), box.y(value)) : pen.moveTo(box.x(step), box.y(value))); pen.stroke();
    const [step, value] = curve.points[curve.points.length - 1]; pen.fillStyle = colour("--text"); pen.textAlign = "right"; pen.fillText(String(curve.task), box.x(step), box.y(value) - 3);
  });
}
function bestSoFar() {
  const ended = column("ended").values, metric = metricColumn().values, found = [];
  for (let row = 0; row < count(); row++) if (isNumber(ended[row]) && isNumber(metric[row])) found.push([ended[row], metric[row]]);
  found.sort((a, b) => a[0] - b[0]);
  let best = null;
  return found.map(([at, value]) => { best = best === null || better(value, best) ? value : best; return [(at - found[0][0]) / 60, value, best]; });
}
function paintBest(pen, width, height) {
  const found = bestSoFar(), box = frame(pen, width, height, { ...range(found.map((one) => one[0])), log: false }, range(found.map((one) => one[1])), `best ${data.metric} so far, by minutes since the first end`);
  pen.fillStyle = colour("--dim"); pen.globalAlpha = 0.5; for (const [at, value] of found) pen.fillRect(box.x(at) - 1, box.y(value) - 1, 2, 2);
  pen.globalAlpha = 1; pen.strokeStyle = colour("--mark"); pen.lineWidth = 2; pen.beginPath();
  found.forEach(([at, , best], index) => { if (!index) pen.moveTo(box.x(at), box.y(best)); else { pen.lineTo(box.x(at), box.y(found[index - 1][2])); pen.lineTo(box.x(at), box.y(best)); } }); pen.stroke();
}
function spans() {
  const began = column("began").values, ended = column("ended").values, source = column("source"), node = column("node"), states = column("state").values, found = [];
  for (let row = 0; row < count(); row++) if (isNumber(began[row])) found.push({ row, from: began[row], to: isNumber(ended[row]) ? ended[row] : states[row] === "running" ? null : began[row],
    lane: [source && source.values[row], node && node.values[row]].filter(Boolean).join(" ") || "unknown", state: states[row] });
  const last = found.reduce((most, one) => Math.max(most, one.to || 0, one.from), 0);
  for (const one of found) if (one.to === null) one.to = last;
  return found.sort((a, b) => a.from - b.from);
}
function paintTimeline(pen, width, height) {
  const found = spans(), names = [...new Set(found.map((one) => one.lane))].sort().slice(0, 20), left = 150, right = width - 12;
  const from = found.reduce((least, one) => Math.min(least, one.from), Infinity), to = found.reduce((most, one) => Math.max(most, one.to), 0), tall = (height - 24) / names.length;
  const x = (at) => left + (to > from ? (at - from) / (to - from) : 0) * (right - left);
  const paintOf = { completed: "--mark", failed: "--bad", lost: "--bad", cancelled: "--dim", running: "--text" };
  for (const [index, name] of names.entries()) {
    const lanes = [], mine = found.filter((one) => one.lane === name);
    for (const one of mine) { let lane = lanes.findIndex((end) => end <= one.from); if (lane < 0) lane = lanes.length; lanes[lane] = one.to; one.at = lane; }
    const each = Math.max(1, (tall - 6) / lanes.length);
    for (const one of mine) { pen.fillStyle = colour(paintOf[one.state] || "--dim"); pen.fillRect(x(one.from), 4 + index * tall + one.at * each, Math.max(1.5, x(one.to) - x(one.from) - 0.5), Math.max(1, each - 0.7)); }
    pen.fillStyle = colour("--text"); pen.textAlign = "right"; pen.fillText(name.slice(0, 24), left - 6, 4 + index * tall + tall / 2);
  }
  pen.fillStyle = colour("--dim"); pen.textAlign = "center"; for (const part of [0, 0.25, 0.5, 0.75, 1]) pen.fillText(hours((to - from) * part / 3600), left + part * (right - left) - (part === 1 ? 16 : 0), height - 6);
}

// ---- the table: only the rows in sight are elements

const shownColumns = () => data.columns.filter((one) => one.kind !== "time");
const template = () => shownColumns().map((one) => one.name === "task" ? "64px" : one.name === "state" ? "96px" : "132px").join(" ");
function headOfRows() {
  return el("div", { className: "head" }, ...shownColumns().map((one) => el("button", { type: "button", title: one.name, onclick: () => { view.down = view.sort === one.name ? !view.down : false; view.sort = one.name; renderHead(); update(); } },
    one.name + (view.sort === one.name ? view.down ? " ▼" : " ▲" : ""))));
}
function renderHead() { const head = document.querySelector("#rows .head"), made = headOfRows(); made.style.gridTemplateColumns = template(); head.replaceWith(made); }
function fillRows() {
  const box = document.getElementById("rows");
  if (!box) return;
  const body = box.querySelector(".body"), first = Math.max(0, Math.floor(box.scrollTop / ROW) - 5), last = Math.min(view.rows.length, first + Math.ceil(box.clientHeight / ROW) + 12);
  body.style.height = view.rows.length * ROW + "px"; body.style.position = "relative";
  body.replaceChildren(...view.rows.slice(first, last).map((row, at) => {
    const line = el("div", { className: "row", onclick: () => details(row) }, ...shownColumns().map((one) => el("span", { title: show(one.values[row]), className: one.name === "state" && ["failed", "lost"].includes(one.values[row]) ? "bad" : "" }, show(one.values[row]))));
    line.style.top = (first + at) * ROW + "px"; line.style.gridTemplateColumns = template();
    return line;
  }));
}
function details(row) {
  const sweep = column("sweep") ? column("sweep").values[row] : data.sweeps[0].id, task = column("task").values[row];
  document.getElementById("details").replaceChildren(el("div", { className: "card" }, facts(data.columns.map((one) => [one.name, show(one.values[row])])), el("code", {}, `hsm logs ${sweep} ${task}`)));
}
function csv() {
  const cell = (value) => { let text = value === null ? "" : String(value); if (/^[=+\-@\t\r]/.test(text) && typeof value !== "number") text = "'" + text; return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
  const lines = [data.columns.map((one) => cell(one.name)), ...view.rows.map((row) => data.columns.map((one) => cell(one.values[row])))];
  const link = el("a", { href: URL.createObjectURL(new Blob([lines.map((line) => line.join(",")).join("\n") + "\n"], { type: "text/csv" })), download: "tasks.csv" });
  link.click(); URL.revokeObjectURL(link.href);
}
function tableSection() {
  const states = [...new Set(column("state").values)].sort();
  const rows = el("div", { id: "rows", role: "region", "aria-label": "tasks", tabIndex: 0, onscroll: fillRows }, el("div", { className: "head" }), el("div", { className: "body" }));
  return sectionOf("Tasks", el("div", { className: "tools" },
    el("input", { id: "filter", placeholder: "filter: cnn lr<0.01 state=failed", value: view.filter, "aria-label": "filter", oninput: (event) => { view.filter = event.target.value; update(); } }),
    el("select", { id: "states", "aria-label": "state", onchange: (event) => { view.state = event.target.value; update(); } }, el("option", { value: "" }, "all states"), ...states.map((one) => el("option", { value: one, selected: one === view.state }, one))),
    el("button", { type: "button", onclick: () => { view.brushes.clear(); view.filter = view.state = ""; document.getElementById("filter").value = document.getElementById("states").value = ""; update(); } }, "clear"),
    el("button", { type: "button", onclick: csv }, "save as CSV"), el("span", { id: "shown", className: "dim" })), rows, el("div", { id: "details" }));
}

// ---- the sections

const countsOf = (counts) => el("div", { className: "counts" }, ...Object.entries(counts).map(([name, number]) => el("span", { className: ["failed", "lost"].includes(name) ? "bad" : "" }, el("b", {}, String(number)), " " + name)));
const countId = (sweep) => "counts-" + data.sweeps.indexOf(sweep);
function header(sweep) {
  const git = sweep.git, told = [git.commit ? String(git.commit).slice(0, 12) : "", git.branch, git.dirty ? "with changes that are not committed" : ""].filter(Boolean).join(", ");
  return el("header", {}, el("h1", {}, sweep.id), el("div", { id: countId(sweep) }, countsOf(sweep.counts)), facts([["description", sweep.description], ["tags", sweep.tags.join(", ")], ["command", sweep.command],
    ["directory", sweep.directory], ["git", told], ["by", [sweep.user, sweep.host].filter(Boolean).join(" on ")], ["started", sweep.created], ["launcher", sweep.launcher],
    ["versions", Object.entries(sweep.versions).map(([name, version]) => `${name} ${version}`).join(", ")], ["page made", data.made]]));
}
const failureCards = () => data.failures.length ? data.failures.map((one) => el("div", { className: "card failure" }, el("b", { className: "bad" }, `${one.count} × ${one.reason}`), ` ${one.cause}`, facts([["example", `task ${one.example}`], ["where", one.where], ["on", one.nodes.map(([name, number]) => `${name} (${number})`).join(", ")], ["next", one.next]]),
  one.message && one.message !== one.cause ? el("pre", {}, one.message) : null, one.log ? el("details", {}, el("summary", {}, "end of its log"), el("pre", {}, one.log)) : null)) : [el("p", { className: "dim" }, "none")];
function bestCard() {
  const best = data.best;
  return best && el("div", { className: "card" }, el("b", {}, `${data.metric} = ${show(best.value)}`), ` in task ${best.task} of ${best.sweep}, the ${data.mode === "max" ? "largest" : "smallest"}`, facts(best.parameters.map(([name, value]) => [name, show(value)])),
    best.line ? el("pre", { id: "reproduce" }, best.line) : null, best.line && navigator.clipboard ? el("button", { type: "button", onclick: () => navigator.clipboard.writeText(best.line) }, "copy the line that runs it again") : null);
}
function importanceSection() {
  const found = data.importance;
  const bars = (shares) => el("table", { className: "plain" }, ...shares.map(([name, value]) => { const bar = el("span", { className: "bar" }); bar.style.width = Math.round(value * 300) + "px"; return el("tr", {}, el("td", {}, name), el("td", {}, (value * 100).toFixed(1) + " %"), el("td", {}, bar)); }));
  return sectionOf("Importance", found.warning ? el("p", { className: "bad", id: "importance-warning" }, found.warning) : null, el("p", { className: "dim" }, `Share of the variance of ${data.metric} that each parameter explains by itself (ω²), over ${found.tasks} tasks. Unexplained: interactions, noise, what was not varied.`),
    bars([...found.shares, ["unexplained", found.unexplained]]), ...(found.ped_anova.length ? [el("p", { className: "dim" }, "Optuna's PED-ANOVA, which looks at the best tasks:"), bars(found.ped_anova)] : []));
}
function sourcesSection() {
  const size = (value) => value === null ? "" : (value / 1024).toFixed(2) + " GiB";
  return sectionOf("Where it ran", el("table", { className: "plain", id: "sources" }, el("tr", {}, ...["source", "tasks", "hours", "wasted", "longest", "asked for", "most memory", "cores used"].map((name) => el("th", {}, name))),
    ...data.sources.map((one) => el("tr", {}, ...[one.source, String(one.tasks), hours(one.hours), hours(one.wasted_hours), one.wall_max_s === null ? "" : hours(one.wall_max_s / 3600), one.asked.join("; "), size(one.mem_max_mib), one.cores_used === null ? "" : one.cores_used.toFixed(1)].map((text) => el("td", {}, text))))),
    el("p", { className: "dim" }, "Wasted: in tasks that failed, were lost or cancelled. Other attempts than the newest are not counted."), spans().length ? chart("timeline", 260, "when each task ran, by source", paintTimeline) : null);
}
function render() {
  charts.clear(); observer.disconnect(); axes.clear();
  const metric = data.metric && metricColumn(), has = metric && metric.values.some(isNumber), all = kind === "all", parts = [...data.sweeps.map(header)];
  if (live) parts.push(sectionOf("Running", el("div", { id: "running" })));
  if (kind !== "completion") parts.push(sectionOf("Failures", el("div", { id: "failures" }, ...failureCards())));
  if (all && data.best) parts.push(sectionOf("Best task", bestCard()));
  if (all && has && parameters().length) {
    parts.push(sectionOf("Parallel coordinates", el("p", { className: "dim" }, "Drag along an axis to choose; click it to undo. ", el("span", { id: "parallel-told" })), brushable(chart("parallel", 380, "a line a task over its parameters", paintParallel))));
    parts.push(sectionOf(`${metric.name} by parameter`, el("p", { className: "dim" }, "Bars: mean ± standard deviation over all else, seeds included."), el("div", { className: "few" }, ...parameters().slice(0, 24).map((one, at) => chart("by-" + at, 200, `${metric.name} by ${one.name}`, paintParameter(one.name))))));
  }
  if (all && data.importance) parts.push(importanceSection());
  if (all && data.curves.length) parts.push(sectionOf(`Learning curves of the best ${data.curves.length}`, chart("curves", 300, "learning curves", paintCurves)));
  if (all && has && bestSoFar().length > 1) parts.push(sectionOf("Best so far", chart("best", 240, "the best value so far", paintBest)));
  if (kind !== "errors" && data.sources.length) parts.push(sourcesSection());
  if (kind !== "errors" && count()) parts.push(tableSection());
  page.replaceChildren(...parts);
  if (document.getElementById("rows")) renderHead();
  update();
}

// ---- live: numbers, failures and states at once; charts when the server has read the results again

const live = document.body.dataset.live === "yes";
let stream = null, reading = false;
function take(delta) {
  data.version = delta.version;
  data.sweeps[0].counts = delta.counts; document.getElementById("counts-0").replaceChildren(countsOf(delta.counts));
  if (JSON.stringify(delta.failures) !== JSON.stringify(data.failures)) {  // else an opened log would close
    data.failures = delta.failures; document.getElementById("failures").replaceChildren(...failureCards());
  }
  const open = delta.running.map((one) => el("div", { className: "card" }, el("b", {}, `task ${one.task}`), ` ${[one.node, one.source].filter(Boolean).join(", ")} ${one.parameters}`, one.last ? el("pre", {}, one.last) : null));
  document.getElementById("running").replaceChildren(...(open.length ? open : [el("p", { className: "dim" }, "nothing runs")]));
  const tasks = column("task"), states = column("state");
  if (delta.states.length && tasks) {
    const rows = new Map(tasks.values.map((task, row) => [task, row]));
    for (const [task, state] of delta.states) if (rows.has(task)) states.values[rows.get(task)] = state;
    update();
  }
}
function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource(`${location.pathname}/events${location.search}&since=${data.version}`);
  stream.addEventListener("delta", (event) => { const delta = JSON.parse(event.data); take(delta); if (delta.content > data.content) reload(delta.content); });
}
function renderInPlace() {  // whoever reads, types or scrolls is not disturbed
  const typing = document.activeElement && document.activeElement.id === "filter" ? document.activeElement.selectionStart : null;
  const top = window.scrollY, rows = document.getElementById("rows"), row = rows ? rows.scrollTop : 0, details = document.getElementById("details");
  render();
  window.scrollTo(0, top);
  if (document.getElementById("rows")) { document.getElementById("rows").scrollTop = row; if (details) document.getElementById("details").replaceWith(details); }
  if (typing !== null) { const filter = document.getElementById("filter"); filter.focus(); filter.setSelectionRange(typing, typing); }
}
async function reload(content) {
  if (reading) return;
  if (view.moving) { setTimeout(() => reload(content), 1000); return; }
  reading = true;
  try {
    const answer = await fetch(`${location.pathname}/content${location.search}`), version = data.version;
    if (answer.ok) { data = await answer.json(); data.content = content; data.version = Math.min(version, data.version); renderInPlace();
      if (stream) stream.close(); stream = null; connect(); }
  } finally { reading = false; }
}
render();
if (live) {  // a browser keeps six connections to a host: a hidden tab gives its own back
  document.addEventListener("visibilitychange", () => { if (document.hidden && stream) { stream.close(); stream = null; } else connect(); });
  connect();
}
})();
