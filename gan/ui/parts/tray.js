/* The tray: images that a visitor has put aside, in order, as {model, seed, label, thumb}. It lives in the browser under a fixed
   name, so that it outlasts a refresh and a restart of the server. ``thumb`` is a small picture as a data address. */
window.gan.tray = (() => {
  const { make, watchValue } = window.gan;
  const KEY = "gan-gallery-tray", MOST = 48, SIDE = 64;
  const listeners = new Set();
  const sound = i => i && typeof i.model === "string" && Number.isInteger(i.seed) && i.seed >= 0 && i.seed < 2 ** 32
    && (i.label == null || typeof i.label === "string") && (i.thumb == null || /^data:image\/(webp|png);base64,[\w+/=]*$/.test(i.thumb));
  const read = () => {
    try {
      const items = JSON.parse(localStorage.getItem(KEY));
      return Array.isArray(items) ? items.filter(sound).slice(0, MOST) : [];
    } catch { return []; }  // storage is closed, or somebody else wrote there
  };
  let items = read();
  const tell = () => listeners.forEach(listener => listener());
  const write = changed => {
    items = changed.slice(-MOST);
    try { localStorage.setItem(KEY, JSON.stringify(items)); } catch { /* full or closed: it lives until the page is left */ }
    tell();
  };
  window.addEventListener("storage", event => { if (event.key === KEY) { items = read(); tell(); } });
  // A small picture of a canvas, as an item keeps it.
  const thumb = canvas => {
    const side = Math.min(SIDE, canvas.width), small = make("canvas", { width: side, height: side });
    small.getContext("2d").drawImage(canvas, 0, 0, side, side);
    return small.toDataURL("image/webp", 0.85);
  };

  // The tray of a model on a page: to look at, to put in order, and to type seeds into. See tray.py.
  function build(element, props, watch, trigger) {
    let model = null;
    const stops = make("ol", { class: "held" });
    const count = make("span", { class: "quiet" });
    const field = make("input", { type: "text", inputmode: "numeric", placeholder: "seed", "aria-label": "A seed for the tray", size: 9,
                                  oninput: () => field.setCustomValidity("") });
    const form = make("form", { class: "add", onsubmit: event => {
      event.preventDefault();
      const item = { model, seed: /^\d{1,10}$/.test(field.value.trim()) ? Number(field.value) : -1 };
      if (!sound(item)) { field.setCustomValidity("A seed is a whole number from 0 to 4294967295"); field.reportValidity(); return; }
      field.value = "";
      tray.add(item);
      trigger.draw(item);
    } }, field, make("button", { type: "submit", class: "gan-button" }, "Add"));
    const clear = make("button", { type: "button", class: "gan-button", onclick: () => tray.clear(model) }, "Clear");
    const move = (list, k, to) => {
      list.splice(to, 0, ...list.splice(k, 1));
      write([...items.filter(i => i.model !== model), ...list]);
      stops.children[to].querySelector("button").focus();
    };
    const stop = (item, k, list) => {
      const name = `seed ${item.seed}` + (item.label ? `, ${item.label}` : "");
      const tool = (text, what, works, act) => make("button", { type: "button", "aria-label": `${what}: ${name}`, title: what,
                                                               disabled: !works, onclick: act }, text);
      return make("li", { title: name },
        item.thumb ? make("img", { src: item.thumb, alt: name }) : make("span", { class: "blank", "aria-hidden": "true" }, "?"),
        make("small", {}, name.slice(5)),
        make("div", { class: "tools" }, tool("‹", "Earlier", k > 0, () => move([...list], k, k - 1)),
          tool("×", "Take out", true, () => tray.remove(item)),
          tool("›", "Later", k < list.length - 1, () => move([...list], k, k + 1))));
    };
    const render = () => {
      const list = model ? tray.list(model) : [];
      const held = stops.contains(document.activeElement) && document.activeElement.ariaLabel;
      stops.replaceChildren(...list.map(stop));
      if (held) [...stops.querySelectorAll("button")].find(b => b.ariaLabel === held)?.focus();  // a picture came meanwhile
      count.textContent = list.length ? `${list.length} of ${model}, kept in this browser` : "Empty: open an image, and choose “To the tray”.";
      clear.hidden = !list.length;
    };
    element.append(make("section", { class: "tray", "aria-label": "The tray" },
      make("div", { class: "tray-bar" }, make("h2", {}, "Tray"), count, form, clear), stops));
    tray.watch(render);
    watchValue(props, watch, value => { model = value.model; render(); });
  }

  // A seed's picture, for those that were typed.
  const drawn = (props, watch) => watchValue(props, watch, ({ model, seed, thumb }) =>
    write(items.map(i => i.model === model && i.seed === seed && !i.label && !i.thumb ? { ...i, thumb } : i)));

  const tray = {
    thumb, build, drawn,
    list: model => items.filter(i => model === undefined || i.model === model),
    add: item => { if (sound(item)) write([...items, item]); },
    remove: item => write(items.filter(i => i !== item)),
    clear: model => write(items.filter(i => model !== undefined && i.model !== model)),
    watch: listener => { listeners.add(listener); listener(); },
  };
  return tray;
})();
