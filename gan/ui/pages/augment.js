/* The Augment page in the browser: the first pictures of a set, and the set as a file. */
window.gan.set = (() => {
  const { make, watchValue, download, link, code, job } = window.gan;
  let arrived = () => {};  // the page's one set takes the answers

  function build(element, props, watch, trigger) {
    const running = job(trigger.cancel);
    const figure = make("figure", { class: "set", hidden: true });
    element.append(figure);
    const tile = (value, image, item, k) => {
      const canvas = make("canvas", { width: value.tile, height: value.tile, role: "img", class: value.tile < 64 && "pixels",
                                      "aria-label": `seed ${item.seed}` });
      canvas.getContext("2d").drawImage(image, k % value.columns * value.tile, Math.floor(k / value.columns) * value.tile,
                                        value.tile, value.tile, 0, 0, value.tile, value.tile);
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
      const image = make("img", { src: value.url });
      try { await image.decode(); } catch { return; }
      if (props.value !== value) return;  // a later one has come
      link.say(value.link);
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
    });
    arrived = value => {
      running.show(value);
      if (value.kind === "file") download(value.url, value.name);
    };
  }

  const answer = (props, watch) => watchValue(props, watch, value => arrived(value));
  return { build, answer };
})();
