/* A picture closely, in a dialog of its own: as large as it is, or larger, in whole steps. */
window.gan.closer = () => {
  const { make } = window.gan;
  const MOST = 8;
  let times = 1;
  const image = make("img", { alt: "", draggable: "false" });
  const pane = make("div", { class: "pane", tabindex: "0", role: "region", "aria-label": "The picture: the arrow keys move it, + and - make it larger and smaller" }, image);
  const said = make("output");
  const zoom = by => {
    const before = times, middle = [pane.scrollLeft + pane.clientWidth / 2, pane.scrollTop + pane.clientHeight / 2];
    times = Math.min(MOST, Math.max(1, times * by));
    image.style.width = `${image.naturalWidth * times}px`;
    image.classList.toggle("pixels", times > 1);
    said.textContent = `${times} : 1`;
    pane.scrollTo(middle[0] * times / before - pane.clientWidth / 2, middle[1] * times / before - pane.clientHeight / 2);
  };
  const step = (text, name, onclick, kind = "gan-button step") => make("button", { type: "button", class: kind, "aria-label": name, onclick }, text);
  const node = make("dialog", { class: "single closer", "aria-label": "The picture, closely" },
    make("div", { class: "bar" }, said, step("−", "Smaller", () => zoom(0.5)), step("+", "Larger", () => zoom(2)),
      step("×", "Close", () => node.close(), "close")), pane);
  node.addEventListener("click", event => { if (event.target === node) node.close(); });
  node.addEventListener("keydown", event => {
    const by = { "+": 2, "-": 0.5 }[event.key];
    if (by) { event.preventDefault(); zoom(by); }
  });
  const fit = () => {  // as large as the window has room for
    const room = Math.min(window.innerWidth * 0.92 / image.naturalWidth, window.innerHeight * 0.76 / image.naturalHeight);
    zoom(2 ** Math.floor(Math.log2(Math.max(1, room))));
  };
  // The button that opens a picture's; a click on the picture where it stands on the page does too.
  const button = (shown, screen = null) => {
    const look = make("button", { type: "button", class: "gan-button", disabled: true, onclick: () => {
      [image.src, image.alt, times] = [shown.src, shown.alt, 1];
      node.showModal();
      pane.focus();
      image.decode().then(fit, () => node.close());
    } }, "Look closely");
    screen?.addEventListener("click", event => { if (event.target.localName === "img") look.click(); });
    return look;
  };
  return { node, button };
};
