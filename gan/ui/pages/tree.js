/* The Family tree page in the browser. Texts from files are set as text only: see dom.js. */
window.gan.tree = (() => {
  const { make, enlarge, watchValue, link } = window.gan;
  const STEP_MS = 900;

  // One model: the picture is its last snapshot not after a minute.
  function sheet(s) {
    const images = s.frames.map(f => make("img", { src: f.url, alt: "", draggable: "false", decoding: "sync" }));  // all load now
    const caption = make("p", { class: "seen" });
    const wall = make("button", { type: "button", class: "wall", "data-tile": s.tile, "aria-label": `Open ${s.model}`,
                                  title: `Open ${s.model}`, onclick: () => link.go(`page=gallery&open=${encodeURIComponent(s.model)}`) });
    const own = s.settings.length > 0 && make("details", {}, make("summary", {}, "Its own settings"),
      make("ul", { class: "own" }, ...s.settings.map(text => make("li", {}, make("code", {}, text)))));
    const node = make("li", { class: "card", "data-recipe": s.recipe }, wall,
      make("div", { class: "label" }, make("h3", {}, s.recipe, " ", make("small", {}, s.year ?? "")), caption, own || null));
    const fit = () => {
      if (wall.clientWidth) wall.style.setProperty("--side", `${enlarge(s.tile, s.frames[0].width, wall.clientWidth)}px`);
    };
    const show = minutes => {
      const k = s.frames.findLastIndex(f => f.minutes <= minutes);
      caption.textContent = s.frames[k]?.caption ?? "not begun";
      wall.replaceChildren(...images.slice(k, k + 1));
    };
    return { node, fit, show };
  }

  function sideBySide(value) {
    const last = value.moments.length - 1;
    const sheets = value.sheets.map(s => sheet(s));
    const moment = make("output", { for: "training-time" });
    const slider = make("input", { type: "range", id: "training-time", min: 0, max: last, step: 1, value: last,
                                   "aria-label": "Training time", oninput: () => { pause(); show(+slider.value); say(); } });
    const play = make("button", { type: "button", class: "gan-button play", onclick: () => timer ? pause() : start() }, "Play");
    let timer = 0;
    const say = () => link.say(+slider.value === last ? "page=tree" : `page=tree&minutes=${value.moments[slider.value].minutes}`);
    const show = k => {
      const { minutes, text } = value.moments[k];
      slider.value = k;
      slider.style.setProperty("--part", `${100 * k / (last || 1)}%`);
      slider.setAttribute("aria-valuetext", text);
      moment.textContent = text;
      for (const one of sheets) one.show(minutes);
    };
    const pause = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
    };
    const start = () => {
      if (+slider.value === last) show(0);
      play.textContent = "Pause";
      timer = setInterval(() => {
        if (play.offsetParent) show(Math.min(+slider.value + 1, last));
        if (!play.offsetParent || +slider.value === last) pause();  // at the end, or the visitor has turned the page
      }, STEP_MS);
    };
    const grid = make("ul", { class: "sheets" }, ...sheets.map(one => one.node));
    new ResizeObserver(() => sheets.forEach(one => one.fit())).observe(grid);
    const asked = value.moments.findLastIndex(m => m.minutes <= value.from);  // the moment that a link holds
    show(value.from == null ? last : Math.max(0, asked));
    if (value.from != null) say();
    return make("section", {}, make("h2", {}, "Side by side over training time"),
      make("p", { class: "about" }, `${value.about}. Every sheet shows the same seeds as its model drew them at that moment. ` +
        "The time is each run's own, measured where it was trained."),
      make("div", { class: "time" }, play, slider, moment), grid);
  }

  function change([slot, old, now]) {
    const text = value => value ? make("code", {}, value) : make("em", {}, "none");
    return make("li", {}, make("code", { class: "slot" }, slot),
      make("span", { class: "pair" }, make("del", {}, text(old)), " → ", make("ins", {}, text(now))));
  }

  function familyTree(value) {
    const items = new Map(value.nodes.map(n => {
      const paper = n.paper && make("p", { class: "paper" }, n.paper_url
        ? make("a", { href: n.paper_url, target: "_blank", rel: "noopener" }, n.paper) : n.paper);
      const changed = n.changes.length > 0 && make("details", {}, make("summary", {}, `What changed from ${n.parent}`),
        make("ul", { class: "changes" }, ...n.changes.map(change)));
      const branches = make("ul");
      const about = make("div", { class: "node" }, make("h3", {}, n.recipe), n.note && make("p", { class: "note" }, n.note),
        paper, changed || null);
      return [n.recipe, { node: make("li", { class: "branch", "data-recipe": n.recipe }, about, branches), branches }];
    }));
    const roots = make("ul", { class: "family" });
    for (const n of value.nodes) (n.under ? items.get(n.under).branches : roots).append(items.get(n.recipe).node);
    for (const { branches } of items.values()) if (!branches.children.length) branches.remove();
    return make("section", {}, make("h2", {}, "What grew from what"),
      make("p", { class: "about" }, "Each recipe hangs from the one that it grew from, with what it does otherwise."), roots);
  }

  function scoreboard(board) {
    const set = board.rows.some(row => row.settings.length);
    const head = make("tr", {}, make("td"), ...board.heads.map(text => make("th", { scope: "col" }, text)),
      set ? make("th", { scope: "col", class: "settings" }, "settings") : null);
    const cells = row => [...row.cells.map(text => make("td", {}, text)), set ?
      make("td", { class: "settings" }, ...row.settings.flatMap(text => [make("code", {}, text), " "])) : ""];
    const rows = board.rows.map(row => make("tr", { class: row.not_run ? "waiting" : null }, make("th", { scope: "row" }, row.name),
      ...(row.not_run ? [make("td", { colspan: board.heads.length + set }, row.not_run)] : cells(row))));
    return make("details", {}, make("summary", {}, make("h3", {}, board.title)), board.protocol && make("p", { class: "about" }, board.protocol),
      make("div", { class: "board", role: "region", tabindex: "0", "aria-label": board.title },
        make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
  }

  return (element, props, watch) => {
    watchValue(props, watch, value => element.replaceChildren(make("div", { class: "lineage" },
      value.alone && make("p", { class: "about" }, value.alone),
      value.sheets.length ? sideBySide(value) : null,
      value.nodes.length ? familyTree(value) : null,
      value.boards.length ? make("section", { class: "boards" }, make("h2", {}, "What was measured"), ...value.boards.map(scoreboard)) : null)));
  };
})();
