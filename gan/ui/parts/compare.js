/* Two pictures in one place, before and after: a slider says how much of the first one covers the second. */
window.gan.compare = ({ first, second, alt }) => {
  const { make } = window.gan;
  const after = make("img", { alt: "", draggable: "false" });
  const before = make("img", { alt, draggable: "false", hidden: true });
  const screen = make("div", { class: "screen" }, after, before);
  const cut = value => { part.value = value; screen.style.setProperty("--cut", `${value}%`); };
  const part = make("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": `${first} and ${second}, side by side`, oninput: () => cut(part.value) });
  const sides = make("div", { class: "sides", hidden: true }, make("span", {}, first), part, make("span", {}, second));
  // The first picture; none = the second alone.
  const show = url => {
    before.hidden = sides.hidden = !url;
    if (url) before.src = url;
    cut(part.value);
  };
  return { screen, sides, after, before, cut, show };
};
