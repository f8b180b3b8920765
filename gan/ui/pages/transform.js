/* The Transform page in the browser: a canvas to draw on, a picture to bring, a hole to paint into one. What is given goes to
   the server and is forgotten there; of several changes the last one counts. A drawing outlasts a page that is loaded again, as
   it is when the server comes back: it stays in the tab's own storage. */
window.gan.transform = (() => {
  const { make, watchValue, enlarge, link, code, job, copyText, brush, compare, crop, closer, download, latest, first } = window.gan;
  const LARGE = 4_500_000, SIDE_SENT = 2048, KEPT = "gan-gallery-drawing";
  let arrived = () => {};  // the page's one easel takes the answers

  const button = (text, onclick, more = {}) => make("button", { type: "button", class: "gan-button", onclick, ...more }, text);

  // A camera's picture as a file: the stream is shown in a box until it is taken or closed.
  function camera(box, use) {
    let stream = null;
    const video = make("video", { autoplay: true, playsinline: true, muted: true, "aria-label": "Your camera" });
    video.muted = true;
    const open = button("Camera", async () => {
      if (stream) return take();
      try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } }); } catch { return use(null); }
      video.srcObject = stream;
      box.append(video);
      [open.textContent, close.hidden] = ["Take the picture", false];
    });
    const close = button("Close the camera", () => stop(), { hidden: true });
    const stop = () => {
      stream?.getTracks().forEach(track => track.stop());
      stream = null;
      video.remove();
      [open.textContent, close.hidden] = ["Camera", true];
    };
    const take = () => {
      const shot = make("canvas", { width: video.videoWidth, height: video.videoHeight });
      shot.getContext("2d").drawImage(video, 0, 0);
      stop();
      shot.toBlob(blob => use(blob), "image/png");
    };
    document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
    return { open, close, stop, there: Boolean(navigator.mediaDevices?.getUserMedia) };
  }

  // Large files are made smaller here, before they are sent.
  async function light(file, image) {
    if (file.size <= LARGE) return file;
    const part = Math.min(1, SIDE_SENT / Math.max(image.naturalWidth, image.naturalHeight));
    const small = make("canvas", { width: Math.round(image.naturalWidth * part), height: Math.round(image.naturalHeight * part) });
    small.getContext("2d").drawImage(image, 0, 0, small.width, small.height);
    return new Promise(done => small.toBlob(done, "image/jpeg", 0.95));
  }

  function build(element, props, watch, upload, trigger) {
    let now = null, file = null, number = 0, examples = 0;
    let brought = 0, wished = 0;  // pictures and strokes of the visitor, and how many there were when an example was asked for

    // What is given
    const pads = {
      drawing: brush(make("canvas", { class: "drawn-on", role: "application", "aria-label": "Draw here: arrow keys move, the space bar sets the pen down" }),
        { ink: "#000000", paper: "#ffffff", size: 0.02, changed: ended => { brought++; if (ended) remember(); ask(); } }),
      hole: brush(make("canvas", { class: "drawn-on over", role: "application", "aria-label": "Paint the hole here: arrow keys move, the space bar sets the brush down" }),
        { ink: "#c2613f", size: 0.1, changed: ended => { if (file) brought++; if (ended) ask(); } }),
    };
    let pad = null;
    const cut = crop(() => ask());
    const box = make("div", { class: "given", "data-drop": "one" }, cut.frame, pads.drawing.canvas, pads.hole.canvas,
      make("p", { class: "blank" }, "Choose a picture, paste it, or drop it here"));
    const pen = button("Pen", () => erase(false), { "aria-pressed": "true" }), eraser = button("Eraser", () => erase(true), { "aria-pressed": "false" });
    const mover = button("Move", () => moving(true), { "aria-pressed": "false" });
    const press = chosen => { for (const one of [pen, eraser, mover]) one.setAttribute("aria-pressed", String(one === chosen)); };
    const erase = on => { moving(false); pad.erase(on); press(on ? eraser : pen); };
    const moving = on => { pads.hole.canvas.classList.toggle("aside", on); if (on) press(mover); };
    const thick = make("input", { type: "range", step: 0.25, "aria-label": "Thickness", oninput: () => pad.size(thick.value / now.side) });
    const undo = button("Undo", () => pad.undo()), clear = button("Clear", () => pad.clear());
    const start = button("An example", () => wish(examples++));
    const keep = button("Save the drawing", () => download(drawing(), "drawing.png"));
    const pick = make("input", { type: "file", accept: "image/*", class: "no-room", tabindex: "-1", "aria-hidden": "true", onchange: () => { use(pick.files[0]); pick.value = ""; } });
    const choose = button("Choose a picture …", () => pick.click());
    const lens = camera(box, blob => blob ? use(blob) : say("The camera cannot be used here: it was not allowed, or there is none."));
    const strokes = make("div", { class: "kit" }, mover, pen, eraser, make("label", { class: "thick", title: "Thickness" }, make("span", { "aria-hidden": "true" }, "·"), thick, make("span", { "aria-hidden": "true" }, "●")), make("span", { class: "together" }, undo, clear));
    const sources = make("div", { class: "kit" }, choose, pick, lens.open, lens.close, start, keep);

    // What comes of it
    const both = compare({ first: "given", second: "made", alt: "The picture as the model read it" });
    const told = make("p", { class: "status", "aria-live": "polite" });
    const save = make("a", { class: "gan-button primary" }, "Download PNG");
    const share = button("Copy link", () => copyText(share, link.address(now.link)));
    const close = closer(), look = close.button(both.after, both.screen);
    const running = job(trigger.cancel);
    const more = make("div", { class: "more" });
    const title = make("h2"), words = make("p");
    const result = make("section", { "aria-label": "What comes of it" }, both.screen, both.sides, running.node, told, make("div", { class: "actions" }, save, look, share), close.node);
    const pair = make("div", { class: "pair" }, make("section", { "aria-label": "What you give" }, box, cut.bar, strokes, sources), result);
    const stage = make("div", { class: "easel", hidden: true }, make("header", {}, title, words), pair, more);
    element.append(stage);
    const say = text => { if (told.textContent !== text) told.textContent = text; };

    const fit = () => {
      if (!now || !stage.clientWidth) return;
      const narrow = window.innerWidth < 760, column = narrow ? pair.clientWidth : (pair.clientWidth - 28) / 2;
      const room = Math.min(column, 448, Math.max(220, window.innerHeight * (narrow ? 0.32 : 0.56)));
      stage.style.setProperty("--side", `${enlarge(now.resolution, now.resolution, room)}px`);
      both.screen.classList.toggle("pixels", now.resolution < 64);
    };
    new ResizeObserver(fit).observe(element);

    const remember = () => {
      try {
        sessionStorage.removeItem(KEPT);
        if (!pad.empty()) sessionStorage.setItem(KEPT, JSON.stringify({ model: now.model, drawing: pad.kept() }));
      } catch { /* full or closed: it is lost with the page */ }
    };
    const remembered = model => {
      try {
        const kept = JSON.parse(sessionStorage.getItem(KEPT));
        return kept?.model === model && kept.drawing;
      } catch { return null; }
    };
    const drawing = () => {
      const small = make("canvas", { width: now.side, height: now.side });
      pad.paint(small);
      return small.toDataURL("image/png");
    };
    const ready = () => {
      if (now.gives === "drawing") return !pad.empty() || say("Draw a few lines: the picture follows.");
      if (!file) return say("");
      return now.gives !== "hole" || !pad.empty() || say("Now paint over what shall go.");
    };
    const busy = on => result.setAttribute("aria-busy", String(on));
    const send = async () => {
      busy(true);
      const call = { model: now.model, label: now.label, seed: now.seed, number: ++number };
      if (now.gives === "drawing") return trigger.draw({ ...call, drawing: drawing() });
      try {
        const { path } = await upload(file);
        trigger.make({ ...call, path, box: cut.box(), hole: now.gives === "hole" ? pad.bits(now.side) : null });
      } catch {
        busy(false);
        queue.done();
        say("The picture could not be sent: is it larger than 5 MB?");
      }
    };
    const queue = latest(() => ready() ? void send() : (blank(), false));
    const ask = () => { if (now) queue.ask(); };
    const blank = () => {
      both.show(null);
      both.after.removeAttribute("src");
      both.after.alt = "";
      save.removeAttribute("href");
      look.disabled = true;
      more.replaceChildren();
    };

    // Shows a picture in the frame.
    const take = async url => {
      await cut.show(url, { all: now.local, largest: now.largest, smallest: Math.ceil(now.side / 4) });
      box.classList.add("filled");
      pad?.forget();
      if (now.gives === "hole") erase(false);
      blank();
    };
    const use = async picked => {
      if (!picked) return;
      brought++;
      lens.stop();
      const address = URL.createObjectURL(picked), image = make("img", { src: address });
      try { await image.decode(); } catch {
        if (now.gives !== "picture") return say("This browser cannot show this file: give a PNG, a JPEG or a WebP.");
        file = picked;  // the server may know it, or say better what is wrong with it
        box.classList.remove("filled");
        blank();
        return ask();
      }
      if (now.gives === "drawing") return pad.picture(image);
      file = await light(picked, image);
      await take(file === picked ? address : URL.createObjectURL(file));
      ask();
      if (now.local && !cut.whole) say("So large a picture is made in parts: choose which.");
    };
    document.addEventListener("paste", event => {
      const given = [...event.clipboardData?.files ?? []].filter(f => f.type.startsWith("image/"));
      if (given.length && stage.offsetParent) { event.preventDefault(); use(first(given)); }
    });
    box.addEventListener("gan-drop", event => use(event.detail[0]));

    // A model: its way of giving, with an example in it at first.
    const setup = value => {
      now = value;
      number++;  // an answer that is under way is another model's
      busy(false);
      queue.forget();
      [file, examples, pad] = [null, 1, pads[value.gives] ?? null];
      lens.stop();
      [title.textContent, words.textContent] = [value.title, value.words];
      const draws = value.gives === "drawing", hole = value.gives === "hole";
      for (const [name, other] of Object.entries(pads)) { other.forget(); other.canvas.hidden = name !== value.gives; }
      for (const [key, of] of Object.entries(hole ? { min: 2, max: value.side / 3, value: value.side / 8 } : { min: 1, max: 8, value: 1.75 })) thick[key] = of;
      pad?.size(thick.value / value.side);
      if (pad) erase(false);
      box.classList.remove("filled");
      box.dataset.gives = value.gives;
      cut.bar.hidden = true;
      strokes.hidden = !pad;
      mover.hidden = !hole;
      keep.hidden = !draws;
      choose.hidden = draws;
      lens.open.hidden = draws || !lens.there;
      start.hidden = !value.examples;
      stage.hidden = false;
      blank();
      fit();
      ready();
      const before = draws && remembered(value.model);
      const still = () => now.model === value.model, first = () => { if (still() && value.examples) wish(0); };
      if (before) pad.restore(before, still).catch(first); else first();
    };
    const wish = example => {
      wished = brought;
      trigger.example({ model: now.model, seed: now.seed, example });
    };
    watchValue(props, watch, value => {
      link.say(value.link);
      if (now?.model !== value.model) return setup(value);
      now = value;  // another class or seed
      ask();
    });

    const begin = async value => {
      if (value.model !== now.model) return;
      const image = make("img", { src: value.url });
      try { await image.decode(); } catch { return; }
      if (value.label) { now = { ...now, label: value.label, link: value.link }; link.say(now.link); }  // what it became
      const example = await (await fetch(value.url)).blob();
      if (value.model !== now.model || brought !== wished) return;  // the visitor chose something else meanwhile
      if (now.gives === "drawing") return pad.picture(image);
      file = example;
      await take(value.url);
      if (now.gives === "hole") pad.dot(0.5, 0.55, 0.36); else ask();
    };
    const made = value => {
      both.after.src = save.href = value.url;
      both.after.alt = `Made by ${now.model}`;
      look.disabled = false;
      both.show(now.gives === "drawing" ? null : value.read);
      save.download = value.name;
      more.replaceChildren(code(value.code));
      const size = now.local ? `${value.width} × ${value.height} pixels` : "";
      say([value.notes, size].filter(Boolean).join("; "));
    };
    arrived = value => {
      if (value.kind === "example") return begin(value);
      if (value.number !== number) return;
      const goes = value.kind === "progress";
      busy(goes);
      running.show(value.total > 1 ? value : { kind: "end" });
      if (value.kind === "made") made(value);
      if (value.kind === "refused") say(value.text);
      if (goes) queue.heard(); else queue.done();
    };
  }

  const answer = (props, watch) => watchValue(props, watch, value => arrived(value));
  return { build, answer };
})();
