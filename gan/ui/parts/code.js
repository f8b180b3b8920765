/* "Copy as code": the same picture from a program. The texts are the server's; they are set as text. */
window.gan.code = (() => {
  const { make, copyText } = window.gan;
  const here = text => text.replaceAll("ADDRESS", JSON.stringify(location.origin + location.pathname));
  return texts => make("details", { class: "code" }, make("summary", {}, "Copy as code"),
    ...Object.entries(texts).map(([name, written]) => {
      const text = here(written);
      const copy = make("button", { type: "button", class: "gan-button", onclick: () => copyText(copy, text) }, "Copy");
      return make("div", {}, make("h4", {}, name, copy), make("pre", { tabindex: "0", "aria-label": name }, make("code", {}, text)));
    }));
})();
