/* The Gallery page in the browser: cards with filters, and the page of a model. */
window.gan.gallery = (() => {
  const { make, watchValue, link, enlarge, copyText } = window.gan;
  const FRAME_MS = 420, WAIT_MS = 180;
  const KINDS = { data: "Data", family: "Family", px: "Resolution", classes: "Classes" };
  const playing = {};  // model -> what a card does with the frames that it asked for
  let filtered = "page=gallery";  // the link to the cards, as they are filtered

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const reference = c => c.paper && make("p", { class: "paper" }, c.paper_url
    ? make("a", { href: c.paper_url, target: "_blank", rel: "noopener" }, c.paper) : c.paper);
  const picture = (p, alt) => make("img", { src: p.url, width: p.width, height: p.height, alt, draggable: "false" });
  // Pages that a model can be opened on.
  const doors = (c, name) => gan.doors.filter(d => d.needs.every(need => c.can.includes(need))).map((d, k) =>
    make("button", { type: "button", class: k ? "gan-button" : "gan-button primary", "aria-label": name ? null : `${d.title} with ${c.id}`,
                     onclick: () => link.go(`page=${d.id}&model=${encodeURIComponent(c.id)}`) }, name ? `Open in ${d.title}` : d.title));

  function card(c, ask) {
    const samples = c.samples ? picture(c.samples, `Samples drawn by ${c.id}`) : make("span", {}, "no samples yet");
    if (c.samples) samples.setAttribute("loading", "lazy");
    const when = make("span", { class: "when", hidden: true });
    const open = () => link.go(`page=gallery&open=${encodeURIComponent(c.id)}`);
    const wall = make("button", { type: "button", class: "wall", "aria-label": `About ${c.id}`, onclick: open }, samples, when);
    const node = make("article", { class: "card", "data-model": c.id }, wall,
      make("div", { class: "label" }, make("h3", {}, c.id, " ", make("small", {}, c.shape)),
        make("p", { class: "paper" }, c.says), make("div", { class: "doors" }, ...doors(c, false))));
    if (c.moves) movable(wall, samples, when, c, ask);
    return node;
  }

  // The training is played on a card while the pointer or the keyboard is on it.
  function movable(wall, samples, when, c, ask) {
    let frames = null, timer = 0, on = false, face = samples;
    const put = other => { face.replaceWith(other); face = other; };
    const show = k => {
      clearTimeout(timer);  // frames that were asked for twice come twice
      const f = frames[k];
      put(f.node);
      when.hidden = false;
      when.textContent = f.caption;
      timer = setTimeout(() => k + 1 < frames.length ? show(k + 1) : (timer = setTimeout(rest, 3 * FRAME_MS)), FRAME_MS);
    };
    const rest = () => {
      clearTimeout(timer);
      when.hidden = true;
      put(samples);
    };
    const start = () => {
      if (on || still()) return;
      on = true;
      timer = setTimeout(() => frames ? show(0) : ask({ model: c.id }), WAIT_MS);
    };
    const stop = () => { if (on) { on = false; rest(); } };
    playing[c.id] = async got => {
      const loaded = got.map(f => ({ ...f, node: picture(f, `The same seeds: ${f.caption}`) }));
      await Promise.allSettled(loaded.map(f => f.node.decode()));
      frames = loaded;
      if (on && frames.length) show(0);
    };
    for (const [event, act] of [["mouseenter", start], ["mouseleave", stop], ["focusin", start], ["focusout", stop]]) wall.addEventListener(event, act);
  }

  function build(element, props, watch, trigger) {
    const asked = new URLSearchParams(location.search), here = (asked.get("page") ?? "gallery") === "gallery";
    const chosen = Object.fromEntries([...asked].filter(([key]) => here && key in KINDS));
    let all = [];
    const count = make("p", { class: "quiet", role: "status" });
    const filters = make("div", { class: "filters", role: "group", "aria-label": "Filters" });
    const apply = () => {
      let seen = 0;
      for (const { kind, node } of all) {
        node.hidden = Object.entries(chosen).some(([key, value]) => value && kind[key] !== value);
        seen += !node.hidden;
      }
      for (const section of element.querySelectorAll("section.walls")) section.hidden = ![...section.querySelectorAll(".card")].some(node => !node.hidden);
      count.textContent = seen === all.length ? `${seen} models` : `${seen} of ${all.length} models`;
    };
    const say = () => {
      filtered = new URLSearchParams([["page", "gallery"], ...Object.entries(chosen).filter(([, v]) => v)]).toString();
      if (!document.querySelector("#gallery").hidden) link.say(filtered);  // else a model is open, whose link it is
    };
    const choose = (key, value) => {
      chosen[key] = value;
      say();
      apply();
    };
    const filter = (key, name) => {
      const values = [...new Set(all.map(({ kind }) => kind[key]))].sort((a, b) => parseInt(b) - parseInt(a) || a.localeCompare(b));
      if (!values.includes(chosen[key])) delete chosen[key];
      return values.length > 1 && make("select", { "aria-label": name, onchange: event => choose(key, event.target.value) },
        make("option", { value: "" }, `${name}: all`), ...values.map(v => make("option", { value: v, selected: v === chosen[key] }, v)));
    };
    watchValue(props, watch, value => {
      all = [...value.cards, ...value.family].map(c => ({ kind: c.kind, node: card(c, trigger.play) }));
      const grid = nodes => make("div", { class: nodes.length < 3 ? "cards few" : "cards" }, ...nodes);
      const nodes = all.map(({ node }) => node);
      filters.replaceChildren(...Object.entries(KINDS).map(([key, name]) => filter(key, name)).filter(Boolean), count);
      const first = value.cards.length > 0 && make("section", { class: "walls" }, make("h2", { class: "out-of-sight" }, "Models"), grid(nodes.slice(0, value.cards.length)));
      const kin = value.family.length > 0 && make("section", { class: "walls" }, make("h2", {}, "One family"),
        make("p", { class: "about" }, `${value.about}. `, make("a", { href: "?page=tree", onclick: event => { event.preventDefault(); link.go("page=tree"); } },
          "How each grew from the one before: the Family tree")), grid(nodes.slice(value.cards.length)));
      element.replaceChildren(...[all.length > 1 && filters, first, kin].filter(Boolean));
      apply();
      if (Object.values(chosen).some(Boolean)) say();
    });
  }

  function played(props, watch) {
    watchValue(props, watch, value => playing[value.model]?.(value.frames));
  }

  // One model
  function model(element, props, watch) {
    const cards = () => document.querySelector("#gallery");
    let from = null;  // what the keyboard was on when the model was opened
    const close = () => {
      element.replaceChildren();
      cards().hidden = false;
      from?.focus();
      from = null;
    };
    watchValue(props, watch, value => {
      if (value.closed) {
        if (!cards().hidden) return;  // a visitor without a link keeps the address without one
        close();
        return link.say(filtered);
      }
      const back = make("button", { type: "button", class: "gan-button", onclick: () => { close(); link.say(filtered, true); } }, "‹ All models");
      const share = make("button", { type: "button", class: "gan-button", onclick: () => copyText(share, link.address(value.link)) }, "Copy link");
      const facts = value.facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
      from = cards().contains(document.activeElement) ? document.activeElement : null;
      cards().hidden = true;
      link.say(value.link);
      element.replaceChildren(make("article", { class: "about-model" },
        make("div", { class: "actions start" }, back, share),
        make("div", { class: "halves" },
          make("div", {}, walk(value)),
          make("div", { class: "facts" }, make("h2", {}, value.id, " ", make("small", {}, value.shape)), reference(value) || null,
            value.trained && make("p", {}, value.trained), make("div", { class: "doors" }, ...doors(value, true)), make("dl", {}, ...facts))),
        ...[command("The command that trained it", value.command), command("Go on from it with your own pictures", value.start),
          measured(value.metrics), charts(value.curves), nearest(value.nearest)].filter(Boolean)));
      if (from) back.focus();
    });
  }

  // The samples; under them a slider back through the training, where there are sheets of it.
  function walk(value) {
    const samples = value.samples ? picture(value.samples, `Samples drawn by ${value.id}`) : make("span", { class: "blank" }, "no samples yet");
    const wall = make("div", { class: "wall" }, samples);
    const now = make("output", {}, "now");
    const frames = value.frames.map(f => ({ ...f, node: picture(f, `The same seeds: ${f.caption}`) }));
    const show = k => {
      wall.replaceChildren(k < frames.length ? frames[k].node : samples);
      now.textContent = k < frames.length ? frames[k].caption : "samples of the finished model";
      slider.style.setProperty("--part", `${100 * k / frames.length}%`);
      slider.setAttribute("aria-valuetext", now.textContent);
    };
    const slider = make("input", { type: "range", min: 0, max: frames.length, step: 1, value: frames.length, "aria-label": "Training",
                                   oninput: () => show(+slider.value) });
    show(frames.length);
    return make("figure", { class: "training" }, wall, frames.length > 0 && make("figcaption", { class: "time" }, slider, now));
  }

  const section = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);
  const command = (title, text) => {
    if (!text) return null;
    const copy = make("button", { type: "button", class: "gan-button", onclick: () => copyText(copy, text) }, "Copy");
    return section(title, make("pre", { tabindex: "0", "aria-label": title }, make("code", {}, text)), copy);
  };
  const measured = m => m && section("Measured", make("p", { class: "about" }, m.about), make("div", { class: "board", role: "region", tabindex: "0", "aria-label": "Scores" },
    make("table", {}, make("thead", {}, make("tr", {}, ...["score", "this model", "real pictures"].map(text => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...m.rows.map(([name, own, real]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, own), make("td", {}, real)))))),
    m.memorised && make("p", { class: "about" }, m.memorised));
  const nearest = n => n && section("Nearest training pictures", make("p", { class: "about" },
    "Those of its pictures that come closest to a training picture, each followed by that one."), picture(n, "Pictures and their nearest training pictures, in pairs"));

  // Training curves: small charts over the images seen.
  function charts(list) {
    if (!list.length) return null;
    return section("How the training went", make("div", { class: "charts" }, ...list.map(chart)));
  }
  function chart({ title, lines }) {
    const W = 320, H = 130, svg = (tag, attributes) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      return node;
    };
    const points = lines.flatMap(l => l.points), xs = points.map(p => p[0]), ys = points.map(p => p[1]);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys, 0), Math.max(...ys)];
    const x = v => W * (v - x0) / (x1 - x0 || 1), y = v => H - (H - 4) * (v - y0) / (y1 - y0 || 1) - 2;
    const short = v => Math.abs(v) >= 1e6 ? `${(v / 1e6).toFixed(1)} million` : Math.abs(v) >= 1000 ? `${Math.round(v / 1000)} thousand` : `${+v.toPrecision(3)}`;
    const drawing = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", preserveAspectRatio: "none",
      "aria-label": `${title}: ` + lines.map(l => `${l.name} from ${short(l.points[0][1])} to ${short(l.points.at(-1)[1])}`).join(", ") });
    drawing.append(svg("line", { x1: 0, x2: W, y1: y(0), y2: y(0), class: "zero" }), ...lines.map((l, k) =>
      svg("polyline", { points: l.points.map(p => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(" "), class: `line line-${k % 4}` })));
    return make("figure", {}, make("figcaption", {}, title), drawing,
      make("div", { class: "ends" }, make("span", {}, `${short(x0)} images`), make("span", {}, `${short(x1)}`)),
      make("p", { class: "legend" }, ...lines.flatMap((l, k) => [make("span", { class: `key line-${k % 4}` }), `${l.name} ${short(l.points.at(-1)[1])}  `])));
  }

  return { build, played, model };
})();
