/* The Mix and edit page in the browser. What is edited is a recipe; the server draws it, and keeps nothing of it. Names of
   directions live in the browser and in copied links. */
window.gan.edit = (() => {
  const { make, watchValue, enlarge, link, code, job, copyText, brush, compare, closer, latest, keep } = window.gan;
  const NAMES = "gan-gallery-names";
  let arrived = () => {};  // the page's one desk takes the answers

  const stored = () => { try { return JSON.parse(localStorage.getItem(NAMES)) ?? {}; } catch { return {}; } };
  const store = names => { try { localStorage.setItem(NAMES, JSON.stringify(names)); } catch { /* closed: they live until the page is left */ } };

  function build(element, props, watch, upload, trigger) {
    let desk = null, recipe = null, shown = null, names = {}, number = 0, search = 0, fresh = false, file = null, painting = false, strips = null;

    const fits = address => address.length < 7900;  // what an address may hold
    const say = address => { if (fits(address)) link.say(address); };

    // The picture, and a visitor's own beside it.
    const both = compare({ first: "yours", second: "the model's", alt: "Your picture" }), { screen, sides, after } = both;
    const hole = make("canvas", { class: "drawn-on", hidden: true, "aria-label": "Paint the hole here: arrow keys move, the space bar sets the brush down" });
    const painter = brush(hole, { ink: "#c2613f", size: 0.14, changed: () => { fill.hidden = painter.empty(); } });
    screen.append(hole);
    screen.dataset.drop = "one";
    screen.addEventListener("gan-drop", event => use(event.detail[0]));
    const mark = make("p", { class: "mark", hidden: true });
    const told = make("p", { class: "status", "aria-live": "polite" });
    const save = make("a", { class: "gan-button primary" }, "Download PNG");
    const favourite = keep.button(() => shown && { link: shown.link + named(), recipe: () => JSON.stringify(shown.recipe), text: after.alt,
                                                   thumb: () => keep.thumb(after, desk.tile, desk.tile) });
    const close = closer(), look = close.button(after, screen);
    const share = make("button", { type: "button", class: "gan-button", onclick: () => copyText(share, link.address(shown.link + named())) }, "Copy link");
    const reset = make("button", { type: "button", class: "gan-button", onclick: () => { change({ moves: [], mix: [] }); dials(); } }, "Undo all");
    const more = make("div", { class: "more" });

    // A visitor's picture.
    const pick = make("input", { type: "file", accept: "image/*", class: "no-room", tabindex: "-1", "aria-hidden": "true", onchange: () => { use(pick.files[0]); pick.value = ""; } });
    const choose = make("button", { type: "button", class: "gan-button", onclick: () => pick.click() }, "Use a picture of mine …");
    const paint = make("button", { type: "button", class: "gan-button", hidden: true, "aria-pressed": "false", onclick: () => holed(!painting) }, "Paint a hole");
    const middle = make("button", { type: "button", class: "gan-button", hidden: true, onclick: () => { painter.clear(); painter.dot(0.5, 0.5, 0.44); } }, "A hole in the middle");
    const fill = make("button", { type: "button", class: "gan-button primary", hidden: true, onclick: () => find(painter.bits(desk.tile)) }, "Fill it");
    const running = job(trigger.cancel);
    const fillings = make("div", { class: "fillings", role: "group", "aria-label": "Ways to fill the hole" });

    const ways = make("section", { class: "ways" });
    const mixing = make("section", { class: "mixing" });
    const sheet = make("img", { alt: "The mixed styles, a row a seed" }), closely = close.button(sheet);
    const bench = make("div", { class: "bench" }, screen, sides, mark, told, make("div", { class: "actions" }, save, look, favourite, share, reset),
      make("div", { class: "actions" }, choose, pick, paint, middle, fill), running.node, fillings);
    const stage = make("div", { class: "desk", hidden: true }, bench, make("div", { class: "tools" }, ways, mixing, more), close.node);
    element.append(stage);

    const named = () => { const mine = names[desk.model] ?? {}; return Object.keys(mine).length ? `&names=${encodeURIComponent(JSON.stringify(mine))}` : ""; };
    const fit = () => {
      if (!desk) return;
      const room = Math.min(bench.clientWidth, Math.max(240, window.innerHeight * 0.5), 448);
      if (room > 0) screen.style.setProperty("--side", `${enlarge(desk.tile, desk.tile, room)}px`);
      screen.classList.toggle("pixels", desk.tile < 64);
    };
    new ResizeObserver(fit).observe(element);

    const drawing = latest(() => {
      trigger.draw({ recipe: JSON.stringify(recipe), number: ++number, strips: fresh });
      fresh = false;
    });
    const change = (changes, anew = false) => {
      recipe = { ...recipe, ...changes };
      fresh ||= anew;  // it starts from elsewhere: the directions lead to other pictures
      drawing.ask();
    };
    const drawn = value => {
      shown = value;
      mark.hidden = !value.mark;
      mark.textContent = value.mark?.text ?? "";
      mark.classList.toggle("good", value.mark?.verified ?? false);
      if (value.strips) {
        const image = strips = make("img", { src: value.strips });
        image.decode().then(() => { if (image === strips) directions(image); }, () => {});
      }
      after.src = save.href = value.url;
      after.alt = `${recipe.model}, ${recipe.source ? "found for your picture" : `seed ${recipe.seeds[0]}`}, edited`;
      save.download = value.name;
      look.disabled = false;
      favourite.refresh();
      say(value.link);
      share.disabled = !fits(value.link);
      more.replaceChildren(code(value.code));
    };

    // Directions: a strip of stills and a slider each.
    const strip = (image, k) => Array.from({ length: desk.stills }, (_, i) => {
      const canvas = make("canvas", { width: desk.tile, height: desk.tile, class: desk.tile < 64 && "pixels", "aria-hidden": "true" });
      canvas.getContext("2d").drawImage(image, i * desk.tile, k * desk.tile, desk.tile, desk.tile, 0, 0, desk.tile, desk.tile);
      const strength = (2 * i / (desk.stills - 1) - 1) * desk.reach;
      return make("button", { type: "button", "aria-label": `Direction ${k + 1} at ${strength.toFixed(1)}`, onclick: () => set(k, strength) }, canvas);
    });
    const strength = k => recipe.moves.filter(m => m.direction === k).reduce((sum, m) => sum + m.strength, 0);
    const set = (k, to) => {
      change({ moves: [...recipe.moves.filter(m => m.direction !== k), ...(Math.abs(to) < 1e-6 ? [] : [{ direction: k, strength: Math.round(to * 100) / 100 }])] });
      dials();
    };
    const dials = () => ways.querySelectorAll("input[type=range]").forEach((dial, k) => { dial.value = strength(k); dial.nextElementSibling.textContent = strength(k).toFixed(1); });
    const directions = image => {
      if (!desk.count) {
        ways.replaceChildren(make("h3", {}, "Directions"), make("p", { class: "status" }, `This model comes without directions: python -m gan directions ${desk.model} finds them.`));
        return;
      }
      ways.replaceChildren(make("h3", {}, "Directions"),
        make("p", { class: "status" }, "What this model's pictures change with most, the strongest first. Move several at once; click a name to change it."),
        ...Array.from({ length: desk.count }, (_, k) => {
          const name = make("input", { type: "text", class: "name", maxlength: 40, "aria-label": `Name of direction ${k + 1}`, placeholder: `direction ${k + 1}`,
            onchange: () => {
              const mine = { ...names[desk.model], [k]: name.value.trim() };
              if (!mine[k]) delete mine[k];
              names = { ...names, [desk.model]: mine };
              store(names);
            } });
          name.value = names[desk.model]?.[k] ?? "";
          const dial = make("input", { type: "range", min: -desk.reach, max: desk.reach, step: 0.1, value: 0, "aria-label": `Direction ${k + 1}`, oninput: () => set(k, +dial.value) });
          return make("div", { class: "way" }, make("div", { class: "line" }, name, dial, make("output", {}, "0.0")), make("div", { class: "strip" }, ...strip(image, k)));
        }));
      dials();
    };

    // Style mixing: a matrix of seeds.
    const mixer = () => {
      mixing.hidden = desk.layers < 2;
      closely.disabled = true;
      if (mixing.hidden) return;
      const rows = make("input", { type: "text", value: "0-3", "aria-label": "Seeds of the rows" }), columns = make("input", { type: "text", value: "10-13", "aria-label": "Seeds of the columns" });
      const first = make("input", { type: "number", min: 0, max: desk.layers - 1, value: Math.floor(desk.layers / 4), "aria-label": "First layer" });
      const last = make("input", { type: "number", min: 0, max: desk.layers - 1, value: Math.floor(desk.layers / 2), "aria-label": "Last layer" });
      const draw = make("button", { type: "button", class: "gan-button", onclick: () => trigger.mix({ recipe: JSON.stringify(recipe), rows: rows.value, columns: columns.value, first: +first.value, last: +last.value }) }, "Mix");
      mixing.replaceChildren(make("h3", {}, "Mix styles"), make("p", { class: "status" }, `Each row's picture takes the styles of each column's seed in these of its ${desk.layers} layers, 0 the coarsest. A click takes a picture to the desk.`),
        make("div", { class: "line" }, make("label", {}, "Rows", rows), make("label", {}, "Columns", columns), make("label", {}, "From layer", first), make("label", {}, "to", last), draw, closely),
        make("div", { class: "matrix" }));
    };
    const matrix = async value => {
      sheet.src = value.url;
      try { await sheet.decode(); } catch { return; }
      if (value.cells[0].model !== desk.model) return;
      closely.disabled = false;
      const across = value.columns.length + 1;
      const cell = (row, column) => {
        const canvas = make("canvas", { width: desk.tile, height: desk.tile, class: desk.tile < 64 && "pixels", "aria-hidden": "true" });
        canvas.getContext("2d").drawImage(sheet, column * desk.tile, row * desk.tile, desk.tile, desk.tile, 0, 0, desk.tile, desk.tile);
        return canvas;
      };
      const nodes = [make("span")];
      value.columns.forEach((seed, j) => nodes.push(make("figure", {}, cell(0, j + 1), make("figcaption", {}, `seed ${seed}`))));
      value.rows.forEach((row, i) => {
        nodes.push(make("figure", {}, cell(i + 1, 0), make("figcaption", {}, `seed ${row}`)));
        value.columns.forEach((column, j) => nodes.push(make("button", { type: "button", "aria-label": `Seed ${row} with the styles of seed ${column}`,
          onclick: () => { yours(null); change(value.cells[i * value.columns.length + j], true); dials(); screen.scrollIntoView({ block: "center" }); } }, cell(i + 1, j + 1))));
      });
      const grid = mixing.querySelector(".matrix");
      grid.style.gridTemplateColumns = `repeat(${across}, minmax(0, 88px))`;
      grid.replaceChildren(...nodes);
    };

    // A visitor's picture: looked for in the model, then edited like any other.
    const yours = url => {
      both.show(url);
      paint.hidden = !url;
      if (!url) { holed(false); fillings.replaceChildren(); told.textContent = ""; }
    };
    const find = async mask => {
      if (!file) return;
      told.textContent = "";
      running.end();
      const mine = ++search;
      let sent;
      try { sent = await upload(file); } catch { if (mine === search) told.textContent = "The picture could not be sent: is it larger than 5 MB?"; return; }
      if (mine !== search) return;
      trigger.project({ number: search, path: sent.path, model: desk.model, label: mask || !recipe.source ? null : recipe.class ?? null, mask });
    };
    const use = picked => { if (picked) { file = picked; yours(null); find(null); } };
    const found = value => {
      running.show({ kind: "end" });
      yours(value.before);
      told.textContent = value.text;
      holed(false);
      const take = one => { change({ ...one.recipe, moves: [], mix: [] }, true); dials(); };
      fillings.replaceChildren(...(value.hole ? value.found : []).map((one, k) => make("figure", {}, make("button", { type: "button", "aria-label": `Take filling ${k + 1} to the desk`, onclick: () => take(one) },
        make("img", { src: one.filled, alt: "" })), make("a", { class: "gan-button", href: one.filled, download: `filled-${k + 1}.png` }, "Save"))));
      take(value.found[0]);
    };

    // The hole: painted over the picture.
    const holed = on => {
      painting = on;
      hole.hidden = middle.hidden = !on;
      fill.hidden = true;
      paint.setAttribute("aria-pressed", String(on));
      paint.textContent = on ? "Away with the hole" : "Paint a hole";
      painter.forget();
      both.cut(on ? 100 : 50);
    };

    const base = ({ recipe: { model, seeds, class: label, psi } }) => JSON.stringify([model, seeds[0] ?? 0, label, psi]);
    watchValue(props, watch, async value => {
      if (desk && !value.names && base(desk) === base(value)) return;  // the keyboard passed a control by: what was edited stays
      say(value.link);  // at once: the address is written before a picture has come
      const image = value.strips ? make("img", { src: value.strips }) : null;
      try { await image?.decode(); } catch { return; }
      if (props.value !== value) return;  // a later one has come
      [desk, recipe, names] = [value, value.recipe, stored()];
      drawing.forget();
      running.end();
      number++, search++;  // answers that are under way are another desk's
      if (value.names && Object.keys(value.names).length) names = { ...names, [desk.model]: { ...value.names, ...names[desk.model] } };
      stage.hidden = false;
      fresh = false;
      if (!recipe.source) yours(null);
      drawn({ ...value, strips: "" });
      fit();
      holed(false);
      directions(strips = image);
      mixer();
    });
    arrived = value => {
      if (["drawn", "refused"].includes(value.kind)) {
        if (value.number !== number) return;
        if (value.kind === "drawn") drawn(value); else told.textContent = value.text;
        drawing.done();
      } else if (value.kind === "matrix") matrix(value);
      else if (value.number !== search) return;
      else if (value.kind === "found") found(value);
      else {
        running.show(value);
        if (value.kind === "progress" && value.picture) after.src = value.picture;
        if (value.kind !== "progress" && shown) after.src = shown.url;
      }
    };
  }

  const answer = (props, watch) => watchValue(props, watch, value => arrived(value));
  return { build, answer };
})();
