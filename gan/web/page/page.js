/* The page: controls, a sheet of sixteen seeds, a walk through them, downloads that carry their recipe. Texts of models are set
   as text, never as markup. */
import { Model } from "./model.js";
import { png } from "./png.js";
import { start } from "./runtime.js";

const $ = id => document.getElementById(id);
const COUNT = 16, COLUMNS = 4, GAP = 2, FRAMES = 20, LARGEST_SEED = 2 ** 32 - 1;
const { models: described, webgpu } = await (await fetch("site.json")).json();
const runtime = start(webgpu), models = described.map(d => new Model(d, runtime));
let model = models[0], turn = 0, walking = false;
let sheetDrawn = Promise.resolve(null), single = null;  // what the last sheet() tells; { seed, of } that was shown last

const asked = () => ({
  model,
  seed: Math.min(LARGEST_SEED - COUNT + 1, Math.max(0, Math.trunc(Number($("seed").value) || 0))),
  label: $("class").value === "" ? null : Number($("class").value),
  psi: Number($("psi").value),
});

function option(text, value) {
  const node = document.createElement("option");
  node.textContent = text;
  node.value = value;
  return node;
}

function choose(found) {
  model = found;
  $("class").replaceChildren(option("as each seed draws", ""), ...model.classNames.map((name, k) => option(name, k)));
  $("class-row").hidden = model.classNames.length === 0;
  $("about").textContent = `${model.family}, ${model.resolution} px. Data: ${model.data}. Licence of the data, and so of the ` +
    `weights: ${model.licence}.`;
}

function size(canvas, width, height) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
}

function fill(canvas, { model }, pixels) {
  size(canvas, model.resolution, model.resolution);
  model.paint(canvas, pixels);
}

/* Draws the sheet of what is asked. Tells what that was once all of it is there; null where it failed or was overtaken. */
async function sheet() {
  const mine = ++turn, of = asked(), { model, seed, label, psi } = of, step = model.resolution + GAP, canvas = $("sheet");
  walking = false;
  $("error").textContent = "";
  const side = COLUMNS * step - GAP, before = performance.now();
  try {
    await model.load();
    for (let k = 0; k < COUNT; k++) {
      const pixels = await model.draw(seed + k, label, psi);
      if (mine !== turn) return null;
      if (k === 0) {
        size(canvas, side, side);
        performance.mark("first picture");
      }
      model.paint(canvas, pixels, k % COLUMNS * step, Math.floor(k / COLUMNS) * step);
      await new Promise(requestAnimationFrame);
    }
    $("status").textContent = `${COUNT} pictures in ${Math.round(performance.now() - before)} ms, drawn in your browser by ${(await runtime).name}`;
    canvas.dataset.drawn = `${model.id} ${seed} ${label} ${psi}`;
    show(seed, of);
    history.replaceState(null, "", `?model=${encodeURIComponent(model.id)}&seed=${seed}&psi=${psi}` +
                                   (label === null ? "" : `&class=${encodeURIComponent(model.classNames[label])}`));
    return of;
  } catch (error) {
    if (mine === turn) $("error").textContent = `This model could not be drawn here: ${String(error.message || error).slice(0, 200)}`;
    return null;
  }
}

const renew = () => sheetDrawn = sheet();

/* What the sheet holds, once nothing of it is still to come. */
async function wholeSheet() {
  let last, of;
  do of = await (last = sheetDrawn); while (last !== sheetDrawn);
  return of;
}

/* Shows one picture, unless another was asked for meanwhile; its pixels. */
async function show(seed, of) {
  const mine = single = { seed, of }, canvas = $("single"), pixels = await of.model.draw(seed, of.label, of.psi);
  if (mine === single) {
    fill(canvas, of, pixels);
    canvas.dataset.seed = seed;
    $("name").textContent = `seed ${seed}`;
  }
  return pixels;
}

async function walk() {
  walking = !walking;
  $("walk").textContent = walking ? "Stop" : "Walk through the seeds";
  const { seed, label, psi } = asked(), mine = turn, canvas = $("single");
  for (let k = 0; walking && mine === turn; k++) {
    const stretch = Math.floor(k / FRAMES) % COUNT;
    const pixels = await model.walk(seed + stretch, seed + (stretch + 1) % COUNT, label, psi, k % FRAMES / FRAMES);
    if (!walking || mine !== turn) break;
    model.paint(canvas, pixels);
    $("name").textContent = `between seed ${seed + stretch} and ${seed + (stretch + 1) % COUNT}`;
    await new Promise(requestAnimationFrame);
  }
  $("walk").textContent = "Walk through the seeds";
  walking = false;
}

async function save(canvas, { model, label, psi }, seeds, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await png(canvas, model.recipe(seeds, label, psi)));
  link.download = `${model.id.replace(/[^\w.-]/g, "-")}-${name}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

for (const [k, found] of models.entries()) $("model").append(option(found.id, k));
const query = new URLSearchParams(location.search);
choose(models.find(m => m.id === query.get("model")) || models[0]);
$("model").value = models.indexOf(model);
$("seed").value = query.get("seed") ?? 0;
$("psi").value = query.get("psi") ?? 1;
const named = model.classNames.indexOf(query.get("class"));
$("class").value = named < 0 ? "" : named;
$("model").onchange = () => { choose(models[$("model").value]); renew(); };
for (const id of ["seed", "class", "psi"]) $(id).onchange = renew;
$("dice").onclick = () => { $("seed").value = Math.floor(Math.random() * (LARGEST_SEED - COUNT)); renew(); };
$("walk").onclick = walk;
$("sheet").onclick = event => {
  const side = $("sheet").getBoundingClientRect().width / COLUMNS, of = asked();
  walking = false;
  show(of.seed + Math.floor(event.offsetY / side) * COLUMNS + Math.min(COLUMNS - 1, Math.floor(event.offsetX / side)), of);
};
$("save-one").onclick = async () => {
  if (!single) return;  // nothing is drawn yet
  const { seed, of } = single, canvas = document.createElement("canvas");  // one that nothing else is drawn on
  walking = false;
  fill(canvas, of, await show(seed, of));
  save(canvas, of, [seed], `seed${seed}`);
};
$("save-sheet").onclick = async () => {
  const of = await wholeSheet();
  if (!of) return;  // the page says why it could not be drawn
  const { seed } = of;
  save($("sheet"), of, Array.from({ length: COUNT }, (_, k) => seed + k), `seeds${seed}-${seed + COUNT - 1}`);
};
window.gallery = { models };
await renew();
if ("serviceWorker" in navigator) navigator.serviceWorker.register("offline.js");  // it fetches every model: later
