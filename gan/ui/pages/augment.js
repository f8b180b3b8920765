/* The Augment page in the browser: the first pictures of a set, and the set as a file; and variations of a visitor's own
   pictures. Where those were found stays here, and is sent again whenever something is drawn from it. */
window.gan.set = (() => {
  const { make, watchValue, download, link, code, job, latest, notice, PATIENCE_MS } = window.gan;
  const WAYS = { neighbours: "beside the picture", mix: "towards random pictures", walk: "along the model's directions" };
  let arrived = () => {}, sought = () => {}, told = () => {};  // the page's one set takes the answers, and its one bench of variations
  let turned = () => {};  // another model: what was found in the last one is of no use

  const cut = (image, { tile }, column, row, name) => {
    const canvas = make("canvas", { width: tile, height: tile, role: "img", class: tile < 64 && "pixels", "aria-label": name });
    canvas.getContext("2d").drawImage(image, column * tile, row * tile, tile, tile, 0, 0, tile, tile);
    return canvas;
  };

  function build(element, props, watch, trigger) {
    const running = job(trigger.cancel);
    const figure = make("figure", { class: "set", hidden: true });
    element.append(figure);
    const tile = (value, image, item, k) => {
      const canvas = cut(image, value, k % value.columns, Math.floor(k / value.columns), `seed ${item.seed}`);
      const words = item.why ? make("span", { class: "why" }, `left out: ${item.why}`) : make("span", {}, item.label ?? `seed ${item.seed}`);
      return make("li", { class: item.why && "out" }, canvas, words);
    };
    // Whether a classifier gets better by such pictures: the verdict, its reason, and what it rests on.
    const verdict = said => {
      const table = said.rows.length > 0 && make("div", { class: "cells", role: "region", tabindex: "0", "aria-label": "The experiment" },
        make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...said.columns.map(text => make("th", { scope: "col" }, text)))),
          make("tbody", {}, ...said.rows.map(([name, ...cells]) =>
            make("tr", {}, make("th", { scope: "row" }, name), ...cells.map(text => make("td", {}, text)))))));
      const missing = said.not_run.length > 0 && make("p", {}, `Not run: ${said.not_run.join("; ")}.`);
      const more = [said.examined && make("p", {}, `Examined: ${said.examined}.`), table, missing].filter(Boolean);
      const summary = more.length ? "The experiment" : "The command that examines it";
      return make("section", { class: "evidence", "data-verdict": said.verdict, "aria-label": "Do its pictures help a classifier?" },
        make("p", {}, "Do its pictures help a classifier? ", make("strong", {}, said.verdict[0].toUpperCase() + said.verdict.slice(1)), `: ${said.reason}.`),
        (more.length || said.command) && make("details", {}, make("summary", {}, summary), ...more,
          said.command && make("pre", { tabindex: "0", "aria-label": "Command" }, make("code", {}, said.command))));
    };
    watchValue(props, watch, async value => {
      link.say(value.link);  // at once: the address is written before a picture has come
      const image = make("img", { src: value.url });
      try { await image.decode(); } catch { return; }
      if (props.value !== value) return;  // a later one has come
      const as = form => make("button", { type: "button", class: "gan-button primary", onclick: () => trigger.make({ link: value.link, as: form }) },
        `Make it, as ${form.slice(1)}`);
      const share = make("button", { type: "button", class: "gan-button", onclick: () => gan.copyText(share, link.address(value.link)) }, "Copy link");
      figure.replaceChildren(make("figcaption", { class: "status", "aria-live": "polite" }, value.text),
        make("div", { class: "actions" }, ...value.forms.map(as), share), verdict(value.evidence), running.node,
        make("ol", {}, ...value.items.map((item, k) => tile(value, image, item, k))),
        make("p", { class: "status" }, "Every image is a PNG with its recipe inside; class folders, metadata.jsonl and a card come with them. " +
          "No model here ships a classifier or features of its training pictures, so that nothing can be filtered by those."),
        code(value.code));
      figure.hidden = false;
      turned(value);
    });
    arrived = value => {
      running.show(value);
      if (value.kind === "file") download(value.url, value.name);
    };
  }

  function own(element, upload, trigger) {
    let model = null, most = 0, found = [], waiting = [], number = 0;  // waiting: files that were not looked for yet
    let sent = 0, asked = 0;  //          numbers of the one that is, and of the variations that are drawn, 0 = none
    let quiet = 0, silent = false;  //    a timer, and whether nothing was heard of it for so long
    const button = (text, onclick, more = {}) => make("button", { type: "button", class: "gan-button", onclick, ...more }, text);
    const pick = make("input", { type: "file", accept: "image/*", multiple: true, class: "no-room", tabindex: "-1", "aria-hidden": "true",
                                 onchange: () => { use([...pick.files]); pick.value = ""; } });
    const choose = button("Choose pictures …", () => pick.click()), away = button("Away with them", () => forget());
    const each = make("input", { type: "number", min: 1, max: 1000, step: 1, value: 10, onchange: () => ask() });
    const way = make("select", { onchange: () => ask() });
    const strength = make("input", { type: "range", min: 0.05, max: 1, step: 0.05, value: 0.3, oninput: () => { much.textContent = strength.value; }, onchange: () => ask() });
    const much = make("output", {}, strength.value);
    const dials = make("div", { class: "line" }, make("label", {}, "Of each", each), make("label", {}, "Drawn", way), make("label", {}, "Strength", strength, much));
    const said = make("p", { class: "status", role: "status" });
    const running = job(trigger.cancel), list = make("div", { class: "varied" }), more = make("div");
    const wanted = () => ({ number: ++number, model, found, each: +each.value, way: way.value, strength: +strength.value });
    const as = form => button(`Make them, as ${form.slice(1)}`, () => trigger.pack({ ...wanted(), as: form }), { class: "gan-button primary" });
    const forms = make("div", { class: "actions" });
    const after = make("div", { hidden: true }, dials, list, forms, more);
    element.append(make("section", { class: "own", "data-drop": "several", "aria-labelledby": "own-title" }, make("h3", { id: "own-title" }, "Variations of your own pictures"),
      make("p", { class: "status" }, "Each picture is looked for in the model, which takes a while, and pictures near it are drawn. Of yours only a fingerprint, the sha256, is written into them; nothing is kept here."),
      make("div", { class: "actions start" }, choose, pick), running.node, said, after));

    const drop = () => {
      if (sent) running.end();
      [waiting, sent] = [[], 0];
    };
    const forget = () => {
      drop();
      [found, asked] = [[], 0];
      drawing.forget();
      heard();
      after.hidden = true;
      said.textContent = "";
    };
    // The picture that is looked for may wait behind others', or never be answered: after a while the visitor may choose again.
    const heard = () => {
      clearTimeout(quiet);
      if (silent) said.textContent = "";
      [silent, choose.disabled] = [false, waiting.length > 0];
      if (waiting.length) quiet = setTimeout(() => {
        [silent, choose.disabled] = [true, false];
        said.textContent = "Nothing was heard of it for a while: it waits behind others', or got lost. You may go on waiting, or choose again.";
      }, PATIENCE_MS);
    };
    const use = files => {
      if (silent) drop();  // chosen again
      const idle = !waiting.length, room = most - found.length - waiting.length;
      if (files.length > room) notice(`At most ${most} pictures at a time: the first ${room} of these ${files.length} were taken.`);
      said.textContent = "";
      waiting.push(...files.slice(0, room));
      if (idle) next();
    };
    const next = async () => {
      heard();
      if (!waiting.length) return found.length && ask();
      const mine = waiting;
      let path = null;
      try { ({ path } = await upload(mine[0])); } catch { /* said below */ }
      if (waiting !== mine) return;  // others were chosen meanwhile
      heard();
      if (!path) return say("A picture could not be sent: is it larger than 5 MB?");
      sent = ++number;
      trigger.find({ path, model, number: sent });
    };
    const done = () => { running.show({ kind: "end" }); waiting.shift(); next(); };
    const say = text => { said.textContent = text; done(); };
    const drawing = latest(() => {
      const call = wanted();
      asked = call.number;
      trigger.vary(call);
    });
    const { ask } = drawing;
    const varied = async value => {
      const image = make("img", { src: value.url });
      try { await image.decode(); } catch { return; }
      list.replaceChildren(...found.map((_, row) => make("div", { class: "row", role: "group", "aria-label": `Picture ${row + 1}` },
        ...Array.from({ length: value.each }, (_, k) => make("figure", {}, cut(image, value, k, row, k ? `variation ${k}` : "as the model draws it"),
          make("figcaption", {}, k ? "" : "the model's"))))));
      more.replaceChildren(code(value.code));
      said.textContent = `${found.length} picture${found.length > 1 ? "s" : ""} found, ${value.total} images in all: these are the first.`;
      after.hidden = false;
    };
    element.firstElementChild.addEventListener("gan-drop", event => use(event.detail));
    turned = value => {
      most = value.most;
      forms.replaceChildren(...value.forms.map(as), away);
      way.replaceChildren(...Object.entries(WAYS).filter(([key]) => key !== "walk" || value.directions)
        .map(([key, text]) => make("option", { value: key, selected: key === way.value }, text)));
      if (model !== value.model) { model = value.model; forget(); }
    };
    sought = value => {
      if (value.number !== sent) return;  // Gradio may bring the last word of a handler twice
      heard();
      if (value.kind === "progress") return running.show(waiting.length > 1 ? { ...value, text: `${value.text} (${waiting.length - 1} more)` } : value);
      if (value.kind === "found" && JSON.parse(value.recipe).model === model) found.push(value.recipe);
      if (value.kind === "cancelled") waiting = [];
      sent = 0;
      done();
    };
    told = value => {
      if (["varied", "refused"].includes(value.kind)) {
        if (value.number !== asked) return;  // pictures that are not here any more, or were varied in another way since
        drawing.done();
      }
      running.show(value);
      if (value.kind === "file") download(value.url, value.name);
      if (value.kind === "varied") varied(value);
      if (value.kind === "refused") said.textContent = value.text;
    };
  }

  const answer = (props, watch) => watchValue(props, watch, value => arrived(value));
  const found = (props, watch) => watchValue(props, watch, value => sought(value));
  const varied = (props, watch) => watchValue(props, watch, value => told(value));
  return { build, answer, own, found, varied };
})();
