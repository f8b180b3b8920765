/* The Favourites page in the browser. */
window.gan.favourites = (() => {
  const { make, copyText, link, keep } = window.gan;

  function one(item) {
    const share = make("button", { type: "button", class: "gan-button", "aria-label": `Copy the link of ${item.text}`,
                                   onclick: () => copyText(share, link.address(item.link)) }, "Copy link");
    return make("li", { class: "card" },
      make("button", { type: "button", class: "wall", "aria-label": `Open ${item.text}`, onclick: () => link.go(item.link) },
        item.thumb ? make("img", { src: item.thumb, alt: "" }) : make("span", {}, "no copy")),
      make("div", { class: "label" }, make("p", {}, item.text), make("div", { class: "doors" }, share,
        make("button", { type: "button", class: "gan-button", "aria-label": `Remove ${item.text}`, onclick: () => keep.remove(item.link) }, "Remove"))));
  }

  return element => {
    const said = make("p", { class: "quiet", role: "status" });
    const list = make("ul", { class: "kept" });
    const file = make("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: async () => {
      if (file.files.length) said.textContent = await keep.load(file.files[0]);
      file.value = "";
    } });
    const save = make("button", { type: "button", class: "gan-button", onclick: keep.save }, "Save as a file");
    const load = make("button", { type: "button", class: "gan-button", onclick: () => file.click() }, "Add from a file");
    document.addEventListener("gan-favourites", event => { said.textContent = event.detail; });
    element.append(make("div", { class: "favourites" },
      make("p", { class: "about" }, "Pictures that you kept. They are in this browser and nowhere else: save them as a file to take them along."),
      make("div", { class: "actions start" }, save, load, file), said, list));
    keep.watch(() => {
      const items = keep.list();
      save.disabled = !items.length;
      list.replaceChildren(...items.map(one));
      if (!items.length) list.append(make("li", { class: "none" }, "Nothing yet. “Keep” stands under what Generate, Interpolate and Mix and edit draw."));
    });
  };
})();
