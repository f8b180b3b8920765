/* A sheet of pictures: see sheet.py. */
window.gan.sheet = (() => {
  const { make, watchValue, enlarge, copyText, link } = window.gan;
  const sheets = {};  // name -> its dialog, for the answers

  function build(name, element, props, watch, trigger) {
    let shown = null;  // the value on the page
    const frame = make("div", { class: "frame" });
    const status = make("p", { class: "status", "aria-live": "polite" });
    const other = make("p", { class: "other", hidden: true });
    const save = make("a", { class: "gan-button" }, "Download PNG");
    const zip = make("button", { type: "button", class: "gan-button", onclick: () => trigger.zip({ recipe: shown.recipe }) }, "Download zip");
    const share = make("button", { type: "button", class: "gan-button", onclick: () => copyText(share, link.address(shown.link)) }, "Copy link");
    const actions = make("div", { class: "actions", hidden: true }, save, zip, share);
    const dialog = sheets[name] = single(trigger);
    element.append(make("figure", { class: "sheet" }, frame, make("figcaption", {}, status, other), actions), dialog.node);
    const fit = () => {
      if (!shown) return;
      const room = Math.min(element.clientWidth, Math.max(280, window.innerHeight * 0.66) * shown.width / shown.height);
      const most = shown.seeds.length === 1 ? 512 : 760;
      if (room <= 0) return;
      const width = enlarge(shown.tile, shown.width, Math.min(room, most));
      frame.style.width = `${width}px`;
      frame.style.setProperty("--gap", `${shown.gap * width / shown.width}px`);
    };
    new ResizeObserver(fit).observe(element);
    watchValue(props, watch, async value => {
      shown = value;
      const image = make("img", { src: value.url, alt: value.about, width: value.width, height: value.height, draggable: "false" });
      link.say(value.link);
      try { await image.decode(); } catch { return; }
      if (shown !== value) return;  // a later one has come
      frame.replaceChildren(image, tiles(value, dialog, image));
      frame.dataset.tile = value.tile;
      fit();
      status.textContent = `${value.model}, ${value.status}`;
      other.textContent = value.other;
      other.hidden = !value.other;
      save.href = value.url;
      save.download = value.name;
      actions.hidden = false;
    });
  }

  // One transparent button a tile, over the picture; their shadows give the gaps between tiles the colour of the page.
  function tiles(value, dialog, image) {
    const percent = (part, whole) => `${100 * part / whole}%`;
    const step = value.tile + value.gap;
    return make("div", { class: "tiles", role: "group", "aria-label": "Images on the sheet" }, ...value.seeds.map((seed, k) => {
      const x = k % value.columns * step, y = Math.floor(k / value.columns) * step;
      const style = `left:${percent(x, value.width)};top:${percent(y, value.height)};` +
        `width:${percent(value.tile, value.width)};height:${percent(value.tile, value.height)}`;
      return make("button", { type: "button", style, title: `seed ${seed}`, "aria-label": `Open the image of seed ${seed}`,
                              onclick: () => dialog.open(value, k, image, x, y) });
    }));
  }

  // The single image: its pixels are on the sheet already and are shown at once; its own PNG follows from the server.
  function single(trigger) {
    const canvas = make("canvas", { role: "img" });
    const picture = make("img", { alt: "", hidden: true });
    const title = make("h2");
    const save = make("a", { class: "gan-button primary" }, "Download PNG");
    const share = make("button", { type: "button", class: "gan-button", disabled: true, onclick: () => copyText(share, link.address(asked.link)) }, "Copy link");
    const close = make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => node.close() }, "×");
    const step = (by, text, name) => make("button", { type: "button", class: "gan-button step", "aria-label": name, onclick: () => move(by) }, text);
    const node = make("dialog", { class: "single", "aria-label": "One image" },
      make("div", { class: "bar" }, title, close), make("div", { class: "picture" }, canvas, picture),
      make("div", { class: "actions" }, step(-1, "‹", "Previous image"), save, share, step(1, "›", "Next image")));
    let asked = {};
    const move = by => {
      const buttons = node.parentElement.querySelectorAll(".tiles button");
      const target = buttons[(asked.index + by + buttons.length) % buttons.length];
      if (target) target.click();
    };
    node.addEventListener("click", event => { if (event.target === node) node.close(); });
    node.addEventListener("keydown", event => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); move(by); }
    });
    return {
      node,
      open(value, index, image, x, y) {
        asked = { seed: value.seeds[index], index, recipe: value.recipe };
        canvas.width = canvas.height = value.tile;
        canvas.getContext("2d").drawImage(image, x, y, value.tile, value.tile, 0, 0, value.tile, value.tile);
        const room = Math.min(window.innerWidth * 0.86, window.innerHeight * 0.66, Math.max(512, value.tile));
        node.style.setProperty("--side", `${enlarge(value.tile, value.tile, room)}px`);
        node.dataset.tile = value.tile;
        canvas.hidden = false;
        picture.hidden = true;
        canvas.setAttribute("aria-label", `${value.model}, seed ${asked.seed}`);
        picture.alt = `${value.model}, seed ${asked.seed}`;
        title.replaceChildren(`seed ${asked.seed}`, make("small", {}, value.model));
        save.removeAttribute("href");
        share.disabled = true;
        if (!node.open) node.showModal();
        trigger.select({ recipe: value.recipe, seed: asked.seed });
      },
      async arrived(value) {
        if (value.seed !== asked.seed) return;  // for another tile, opened before
        asked.link = value.link;
        save.href = value.url;
        save.download = value.name;
        share.disabled = false;
        picture.src = value.url;
        try { await picture.decode(); } catch { return; }
        if (value.seed === asked.seed) { picture.hidden = false; canvas.hidden = true; }
      },
    };
  }

  function answer(name, props, watch) {
    watchValue(props, watch, value => {
      if (value.kind === "single") sheets[name]?.arrived(value);
      else make("a", { href: value.url, download: value.name }).click();
    });
  }

  return { build, answer };
})();
