/* What the pages do in the browser. Texts from models and pictures are set as text, never as markup or templates:
   Gradio's html_template runs what {{}} renders as a JavaScript template, so no value goes through one. */
window.gan = (() => {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(child => child != null && child !== ""));
    return node;
  };

  // The address bar: the page that is open and, on Generate, what is drawn there.
  const first = new URLSearchParams(location.search).get("page");
  let page = ["generate", "tree"].includes(first) ? first : "gallery";
  let query = "", turned = false, ready = false, timer = 0;
  const link = (ours = query) => {
    const theme = new URLSearchParams(location.search).get("__theme");
    return `?page=${page}` + (page === "generate" && ours ? `&${ours}` : "") + (theme ? `&__theme=${encodeURIComponent(theme)}` : "");
  };
  const sync = () => {  // browsers allow some hundred changes in half a minute, and a slider makes more
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!ready || page === "gallery" && !turned) return;  // nothing has happened yet: the address stays as it came
      history.replaceState(history.state, "", link());
      if (window.parent !== window && location.hostname.endsWith(".hf.space")) {
        window.parent.postMessage({ queryString: link().slice(1) }, "https://huggingface.co");
      }
    }, 120);
  };
  const turn = name => { turned ||= name !== page; page = name; sync(); };

  const copy = async (button, ours) => {
    const address = location.origin + location.pathname + link(ours);
    try {
      await navigator.clipboard.writeText(address);
    } catch {  // no permission, or no https
      const field = make("textarea", { style: "position:fixed;opacity:0" });
      (document.querySelector("dialog[open]") || document.body).append(field);
      field.value = address;
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  // A small picture is enlarged by a whole number of the screen's own dots, so that each of its pixels is as large.
  const enlarge = (tile, width, room) => {
    const dots = window.devicePixelRatio || 1;
    const factor = Math.floor(room * dots / width);
    return tile < 64 && factor >= 1 ? factor * width / dots : room;
  };

  const watchValue = (props, watch, render) => {
    const now = () => { if (props.value) render(props.value); };
    watch("value", now);
    now();
  };

  function notice(element, props, watch) {
    const text = make("span");
    const close = make("button", { type: "button", "aria-label": "Dismiss the message", onclick: () => { bar.hidden = true; } }, "×");
    const bar = make("div", { class: "notice", hidden: true }, text, close);
    element.append(make("div", { role: "status", "aria-live": "polite" }, bar));
    watchValue(props, watch, value => {
      ready = true;  // the link that the page was opened with has been read
      sync();
      text.textContent = value.text;
      bar.hidden = !value.text;
      bar.classList.toggle("error", value.error);
    });
  }

  function card(c, open) {
    const wall = c.samples
      ? make("img", { src: c.samples.url, width: c.samples.width, height: c.samples.height, loading: "lazy",
                      alt: `Samples drawn by ${c.id}` })
      : make("span", {}, "no samples yet");
    const facts = c.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
    const paper = c.paper && make("p", { class: "paper" }, c.paper_url
      ? make("a", { href: c.paper_url, target: "_blank", rel: "noopener" }, c.paper) : c.paper);
    const strip = c.timeline.length > 0 && make("ol", { class: "timeline" }, ...c.timeline.map(s =>
      make("li", {}, make("img", { src: s.url, width: s.width, height: s.height, loading: "lazy",
                                   alt: `The same seeds: ${s.caption}` }), make("span", {}, s.caption))));
    const how = (c.command || strip) && make("details", {}, make("summary", {}, "How it was trained"),
      c.command && make("pre", { tabindex: "0", "aria-label": "The command" }, make("code", {}, c.command)), strip || null);
    return make("article", { class: "card", "data-model": c.id },
      make("button", { type: "button", class: "wall", tabindex: "-1", "aria-hidden": "true", onclick: open }, wall),
      make("div", { class: "label" },
        make("h2", {}, c.id, " ", make("small", {}, c.shape)), paper || null,
        make("dl", {}, ...facts), c.trained && make("p", { class: "trained" }, c.trained), how || null,
        make("button", { type: "button", class: "gan-button primary", "aria-label": `Open ${c.id}`, onclick: open }, "Open")));
  }

  function gallery(element, props, watch, open) {
    watchValue(props, watch, value => element.replaceChildren(make("div", { class: "cards" },
      ...value.cards.map(c => card(c, () => { open({ model: c.id }); window.scrollTo({ top: 0 }); })))));
  }

  let shown = null;     // the value of the sheet on the page
  let dialog = null;    // the single image, opened from a tile

  function sheet(element, props, watch, trigger) {
    const frame = make("div", { class: "frame" });
    const status = make("p", { class: "status", "aria-live": "polite" });
    const other = make("p", { class: "other", hidden: true });
    const save = make("a", { class: "gan-button" }, "Download PNG");
    const zip = make("button", { type: "button", class: "gan-button", onclick: () => trigger.zip({ recipe: shown.recipe }) }, "Download zip");
    const share = make("button", { type: "button", class: "gan-button", onclick: () => copy(share) }, "Copy link");
    const actions = make("div", { class: "actions", hidden: true }, save, zip, share);
    dialog = single(trigger);
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
      try { await image.decode(); } catch { return; }
      if (shown !== value) return;  // a later one has come
      frame.replaceChildren(image, tiles(value, trigger, image));
      frame.dataset.tile = value.tile;
      fit();
      status.textContent = `${value.model}, ${value.status}`;
      other.textContent = value.other;
      other.hidden = !value.other;
      save.href = value.url;
      save.download = value.name;
      actions.hidden = false;
      query = value.query;
      sync();
    });
  }

  // One transparent button a tile, over the picture; their shadows give the gaps between tiles the colour of the page.
  function tiles(value, trigger, image) {
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
    const share = make("button", { type: "button", class: "gan-button", disabled: true, onclick: () => copy(share, asked.query) }, "Copy link");
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
        asked.query = value.query;
        save.href = value.url;
        save.download = value.name;
        share.disabled = false;
        picture.src = value.url;
        try { await picture.decode(); } catch { return; }
        if (value.seed === asked.seed) { picture.hidden = false; canvas.hidden = true; }
      },
    };
  }

  function answer(element, props, watch) {
    watchValue(props, watch, value => {
      if (value.kind === "single") dialog?.arrived(value);
      else make("a", { href: value.url, download: value.name }).click();
    });
  }

  // A picture dropped anywhere on the page goes to the upload button's own field.
  const holdsFile = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", event => {
    if (holdsFile(event)) { event.preventDefault(); document.body.classList.add("dropping"); }
  });
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  document.addEventListener("drop", event => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    const field = document.querySelector("#restore")?.parentElement?.querySelector("input[type=file]")
      || document.querySelector("input[type=file]");
    if (!field || !event.dataTransfer.files.length) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    field.files = one.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  return { turn, notice, gallery, sheet, answer, make, enlarge, watchValue };
})();
