/* The Gallery page in the browser. */
window.gan.gallery = (() => {
  const { make, watchValue, link } = window.gan;

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

  return (element, props, watch) => {
    watchValue(props, watch, value => element.replaceChildren(make("div", { class: "cards" },
      ...value.cards.map(c => card(c, () => link.go(`page=generate&model=${encodeURIComponent(c.id)}`))))));
  };
})();
