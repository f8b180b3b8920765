/* The Interpolate page in the browser: a path's frames lie on one sheet, and are shown from there without asking the server. */
window.gan.path = (() => {
  const { make, watchValue, enlarge, download, link, tray, code, job } = window.gan;
  const STILLS = 16;
  let arrived = () => {};  // the page's one player takes the answers

  function build(element, props, watch, trigger) {
    let path = null, sheet = null, now = 0, playing = 0, rate = 24, forth = 1;
    const screen = make("canvas", { role: "img" });
    const wait = make("p", { class: "status", role: "status" });
    const status = make("p", { class: "status" });
    const mark = make("p", { class: "mark", hidden: true });
    const slider = make("input", { type: "range", min: 0, step: 1, value: 0, "aria-label": "Frame", oninput: () => { pause(); show(+slider.value); } });
    const play = make("button", { type: "button", class: "gan-button primary play", onclick: () => playing ? pause() : start() }, "Play");
    const speed = make("select", { "aria-label": "Frames a second", onchange: () => { rate = +speed.value; } });
    const map = make("div", { class: "map", role: "group", "aria-label": "Map of the path" });
    const stops = make("ol", { class: "stops", "aria-label": "Stops of the path" });
    const saves = make("div", { class: "actions" });
    const running = job(trigger.cancel);
    const more = make("div", { class: "more" });
    const shelf = make("div", { class: "shelf", hidden: true });
    const stage = make("div", { class: "player", hidden: true }, screen,
      make("div", { class: "time" }, play, slider, speed), map, mark, status, saves, running.node, stops, more);
    element.append(wait, stage, shelf);

    const cell = (canvas, k) => {  // one frame of the sheet, at its own size
      const size = path.tile;
      canvas.width = canvas.height = size;
      canvas.getContext("2d").drawImage(sheet, k % path.columns * size, Math.floor(k / path.columns) * size, size, size, 0, 0, size, size);
      canvas.classList.toggle("pixels", size < 64);
    };
    const show = k => {
      now = k;
      cell(screen, k);
      slider.value = k;
      favourite.refresh();
      slider.style.setProperty("--part", `${100 * k / (path.count - 1 || 1)}%`);
      const stop = Math.min(Math.floor(k / path.between), path.stops.length - 1);
      const next = path.stops[(stop + 1) % path.stops.length];
      const words = k % path.between === 0 ? `at seed ${path.stops[stop].seed}` : `from seed ${path.stops[stop].seed} to seed ${next.seed}`;
      slider.setAttribute("aria-valuetext", `frame ${k + 1} of ${path.count}, ${words}`);
      screen.setAttribute("aria-label", `${path.model}, ${words}`);
      const still = [...map.children].findLastIndex(node => +node.dataset.frame <= k);
      [...map.children].forEach((node, i) => node.setAttribute("aria-pressed", String(i === still)));
    };
    const fit = () => {
      if (!path) return;
      const room = Math.min(element.clientWidth, Math.max(240, window.innerHeight * 0.5), 512);
      if (room > 0) screen.style.width = screen.style.height = `${enlarge(path.tile, path.tile, room)}px`;
    };
    new ResizeObserver(fit).observe(element);

    // A path that does not loop is played there and back.
    const tick = (since, from) => time => {
      if (!screen.offsetParent) return pause();  // the visitor has turned the page
      const steps = Math.floor((time - since) * rate / 1000);
      if (steps > 0) {
        let k = now + forth * steps;
        const last = path.count - 1;
        if (path.loop) k = (k % path.count + path.count) % path.count;
        else if (k >= last) { k = Math.max(0, 2 * last - k); forth = -1; }
        else if (k <= 0) { k = Math.min(last, -k); forth = 1; }
        show(k);
        since += steps * 1000 / rate;
      }
      playing = requestAnimationFrame(tick(since));
    };
    const start = () => { play.textContent = "Pause"; playing = requestAnimationFrame(tick(performance.now())); };
    const pause = () => { cancelAnimationFrame(playing); playing = 0; play.textContent = "Play"; };

    const stop = s => s.label == null ? `${s.seed}` : `${s.seed}:${s.label.replace(/[%,]/g, encodeURIComponent)}`;  // as path.py reads it
    const edit = changed => trigger.edit({ stops: changed.map(stop).join(",") });
    const lists = () => {
      const still = (k, node) => { const canvas = make("canvas", { "aria-hidden": "true" }); cell(canvas, k); node.prepend(canvas); return node; };
      const count = Math.min(STILLS, path.count), span = path.loop ? path.count / count : (path.count - 1) / Math.max(1, count - 1);
      map.replaceChildren(...Array.from({ length: count }, (_, i) => Math.round(i * span)).map(k =>
        still(k, make("button", { type: "button", "data-frame": k, "aria-label": `Frame ${k + 1}`, onclick: () => { pause(); show(k); } }))));
      const all = path.stops;
      const moved = (i, by) => { const list = [...all]; list.splice(i + by, 0, ...list.splice(i, 1)); return list; };
      stops.replaceChildren(...all.map((s, i) => {
        const button = (text, name, changed, disabled) => make("button", { type: "button", class: "small", "aria-label": `${name} seed ${s.seed}`,
          title: name, disabled, onclick: () => edit(changed) }, text);
        const of = path.classes.length > 0 && make("select", { "aria-label": `Class at seed ${s.seed}`,
          onchange: event => edit(all.map((t, j) => j === i ? { seed: t.seed, label: event.target.value || null } : t)) },
          make("option", { value: "" }, "its own class"), ...path.classes.map(name => make("option", { value: name, selected: name === s.label }, name)));
        return still(Math.min(i * path.between, path.count - 1), make("li", {}, make("span", {}, `seed ${s.seed}`), of || null, make("span", { class: "buttons" },
          button("‹", "Earlier:", moved(i, -1), i === 0), button("›", "Later:", moved(i, 1), i === all.length - 1),
          button("×", "Remove", all.filter((_, j) => j !== i), all.length <= 2))));
      }));
      const save = (as, text) => make("button", { type: "button", class: "gan-button", onclick: () => trigger.save({ link: path.link, as, rate, frame: now }) }, text);
      saves.replaceChildren(...path.films.map(as => save(as, as === "webp" ? "WebP" : as.toUpperCase())), save("zip", "Frames as zip"), save("png", "This frame"),
        share, favourite);
      favourite.refresh();
      more.replaceChildren(code(path.code));
    };
    const favourite = gan.keep.button(() => path && { link: `${path.link}&frame=${now}`, recipe: () => JSON.stringify({ ...JSON.parse(path.recipe), frame: now }),
      text: screen.getAttribute("aria-label"), thumb: () => gan.keep.thumb(screen, screen.width, screen.height) });
    const share = make("button", { type: "button", class: "gan-button", onclick: () => gan.copyText(share, link.address(`${path.link}&frame=${now}`)) }, "Copy link");

    // Where nothing is put aside of this model: what there is of others.
    const others = () => {
      const held = {};
      for (const item of tray.list()) (held[item.model] ??= []).push(item);
      const walks = Object.entries(held).filter(([, items]) => items.length > 1);
      shelf.hidden = !walks.length;
      shelf.replaceChildren(make("h3", {}, "In your tray"), ...walks.map(([model, items]) => make("button", { type: "button", class: "gan-button",
        onclick: () => link.go(`page=interpolate&model=${encodeURIComponent(model)}&stops=${encodeURIComponent(items.map(stop).join(","))}`) },
        `Walk through ${items.length} of ${model}`)));
    };
    // What the visitor has put aside of this model, to walk through.
    const offer = () => {
      if (!path) return;
      const items = tray.list(path.model);
      if (!items.length) return others();
      shelf.hidden = false;
      shelf.replaceChildren(make("h3", {}, `In your tray of ${path.model}`), make("ul", {}, ...items.map(item => make("li", {},
        item.thumb && make("img", { src: item.thumb, alt: "" }), make("span", {}, `seed ${item.seed}`),
        make("button", { type: "button", class: "small", "aria-label": `Add seed ${item.seed} to the path`, onclick: () => edit([...path.stops, item]) }, "+"),
        make("button", { type: "button", class: "small", "aria-label": `Take seed ${item.seed} out of the tray`, onclick: () => tray.remove(item) }, "×")))),
        make("button", { type: "button", class: "gan-button", disabled: items.length < 2, onclick: () => edit(items) }, "Walk through the tray"));
    };
    tray.watch(offer);

    watchValue(props, watch, async value => {
      wait.textContent = value.kind === "drawing" ? value.text : "";
      if (value.kind !== "path") return;
      link.say(value.link);  // at once: the address is written before a picture has come
      const image = make("img", { src: value.url });
      try { await image.decode(); } catch { return; }
      if (props.value !== value) return;  // a later one has come
      const moving = playing || !path;
      pause();
      [path, sheet, forth] = [value, image, 1];
      slider.max = path.count - 1;
      speed.replaceChildren(...path.rates.map(r => make("option", { value: r, selected: r === rate }, `${r} frames/s`)));
      stage.hidden = false;
      status.textContent = path.status;
      mark.hidden = !path.mark;
      mark.textContent = path.mark?.text ?? "";
      mark.classList.toggle("good", path.mark?.verified ?? false);
      lists();
      show(path.frame);
      fit();
      offer();
      if (moving && !path.frame && !matchMedia("(prefers-reduced-motion: reduce)").matches) start();
    });
    arrived = value => {
      running.show(value);
      if (value.kind === "file") download(value.url, value.name);
    };
  }

  const answer = (props, watch) => watchValue(props, watch, value => arrived(value));
  return { build, answer };
})();
