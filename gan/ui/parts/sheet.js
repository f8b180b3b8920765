/* A sheet of pictures: see sheet.py. */
window.gan.sheet = (() => {
  const { make, watchValue, enlarge, download, copyText, flash, link, tray, keep } = window.gan;
  const sheets = {};  // name -> its dialog, for the answers

  function build(name, element, props, watch, trigger) {
    let shown = null, image = null;  // the value on the page, and its picture
    const frame = make("div", { class: "frame" });
    const status = make("p", { class: "status", "aria-live": "polite" });
    const other = make("p", { class: "other", hidden: true });
    const mark = make("p", { class: "mark", hidden: true });
    const save = make("a", { class: "gan-button" }, "Download PNG");
    const zip = make("button", { type: "button", class: "gan-button", onclick: () => trigger.zip({ recipe: shown.recipe }) }, "Download zip");
    const share = make("button", { type: "button", class: "gan-button", onclick: () => copyText(share, link.address(shown.link)) }, "Copy link");
    const favourite = keep.button(() => image && { link: shown.link, recipe: () => shown.recipe, text: shown.about,
                                                   thumb: () => keep.thumb(image, shown.width, shown.height) });
    const actions = make("div", { class: "actions", hidden: true }, save, zip, share, favourite);
    const dialog = sheets[name] = single(trigger);
    element.append(make("figure", { class: "sheet" }, frame, make("figcaption", {}, mark, status, other), actions), dialog.node);
    const fit = () => {
      if (!shown) return;
      const room = Math.min(element.clientWidth, Math.max(280, window.innerHeight * 0.66) * shown.width / shown.height);
      const most = shown.tiles.length === 1 ? 512 : 760;
      if (room <= 0) return;
      const width = enlarge(shown.tile, shown.width, Math.min(room, most));
      frame.style.width = `${width}px`;
      frame.style.setProperty("--gap", `${shown.gap * width / shown.width}px`);
    };
    new ResizeObserver(fit).observe(element);
    watchValue(props, watch, async value => {
      [shown, image] = [value, null];
      const picture = make("img", { src: value.url, alt: value.about, width: value.width, height: value.height, draggable: "false" });
      link.say(value.link);
      try { await picture.decode(); } catch { return; }
      if (shown !== value) return;  // a later one has come
      image = picture;
      favourite.refresh();
      frame.replaceChildren(image, tiles(value, dialog, image));
      frame.dataset.tile = value.tile;
      fit();
      status.textContent = `${value.model}, ${value.status}`;
      other.textContent = value.other;
      other.hidden = !value.other;
      mark.hidden = !value.mark;
      mark.textContent = value.mark?.text ?? "";
      mark.classList.toggle("good", value.mark?.verified ?? false);
      save.href = value.url;
      save.download = value.name;
      actions.hidden = false;
    });
  }

  // One transparent button a tile, over the picture; their shadows give the gaps between tiles the colour of the page.
  function tiles(value, dialog, image) {
    const percent = (part, whole) => `${100 * part / whole}%`;
    const step = value.tile + value.gap;
    return make("div", { class: "tiles", role: "group", "aria-label": "Images on the sheet" }, ...value.tiles.map((tile, k) => {
      const x = k % value.columns * step, y = Math.floor(k / value.columns) * step;
      const style = `left:${percent(x, value.width)};top:${percent(y, value.height)};` +
        `width:${percent(value.tile, value.width)};height:${percent(value.tile, value.height)}`;
      const picture = () => cut(image, x, y, value.tile);
      return make("button", { type: "button", style, title: tile.text, "aria-label": `Open the image of ${tile.text}`,
                              onclick: () => dialog.open(value, k, picture()) },
        value.strip && make("span", { class: "along" }, tile.text));
    }));
  }

  // A tile's pixels, on a canvas of its own.
  function cut(image, x, y, side) {
    const canvas = make("canvas", { role: "img", width: side, height: side });
    canvas.getContext("2d").drawImage(image, x, y, side, side, 0, 0, side, side);
    return canvas;
  }

  // The single image: its pixels are on the sheet already and are shown at once; its own PNG follows from the server.
  function single(trigger) {
    let asked = {};
    const picture = make("div", { class: "picture" });
    const title = make("h2");
    const save = make("a", { class: "gan-button primary" }, "Download PNG");
    const button = (text, onclick) => make("button", { type: "button", class: "gan-button", onclick }, text);
    const share = button("Copy link", () => copyText(share, link.address(asked.link)));
    const put = button("To the tray", () => { tray.add({ model: asked.model, seed: asked.tile.seed, label: asked.tile.label, thumb: tray.thumb(asked.canvas) }); flash(put, "In the tray"); });
    const favourite = keep.button(() => asked.link && { link: asked.link, recipe: () => asked.recipe, text: `${asked.model}, ${asked.tile.text}`,
                                                        thumb: () => keep.thumb(asked.canvas, asked.canvas.width, asked.canvas.height) });
    const close = make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => node.close() }, "×");
    const step = (by, text, name) => make("button", { type: "button", class: "gan-button step", "aria-label": name, onclick: () => move(by) }, text);
    const node = make("dialog", { class: "single", "aria-label": "One image" },
      make("div", { class: "bar" }, title, step(-1, "‹", "Previous image"), step(1, "›", "Next image"), close), picture,
      make("div", { class: "actions" }, save, favourite, put, share));
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
      open(value, index, canvas) {
        const tile = value.tiles[index];
        asked = { index, tile, canvas, model: value.model, from: value.recipe };
        const room = Math.min(window.innerWidth * 0.86, window.innerHeight * 0.66, Math.max(512, value.tile));
        node.style.setProperty("--side", `${enlarge(value.tile, value.tile, room)}px`);
        node.dataset.tile = value.tile;
        canvas.setAttribute("aria-label", `${value.model}, ${tile.text}`);
        picture.replaceChildren(canvas);
        title.replaceChildren(tile.text, make("small", {}, value.model));
        save.removeAttribute("href");
        share.disabled = true;
        favourite.refresh();
        if (!node.open) node.showModal();
        trigger.select({ recipe: value.recipe, tile: index });
      },
      async arrived(value) {
        if (value.tile !== asked.index || value.from !== asked.from) return;  // for another tile, opened before
        [asked.link, asked.recipe] = [value.link, value.recipe];
        favourite.refresh();
        save.href = value.url;
        save.download = value.name;
        share.disabled = false;
        const image = make("img", { src: value.url, alt: asked.canvas.getAttribute("aria-label") });
        try { await image.decode(); } catch { return; }
        if (value.tile === asked.index && value.from === asked.from) picture.replaceChildren(image);
      },
    };
  }

  function answer(name, props, watch) {
    watchValue(props, watch, value => {
      if (value.kind === "single") sheets[name]?.arrived(value);
      else download(value.url, value.name);
    });
  }

  return { build, answer };
})();
