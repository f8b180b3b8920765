/* What every script of the app is made of. Texts from models and pictures are set as text, never as markup or templates:
   Gradio's html_template runs what {{}} renders as a JavaScript template, so no value goes through one. */
window.gan = (() => {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(child => child != null && child !== false && child !== ""));
    return node;
  };

  // Calls render with a component's value, now and whenever it changes.
  const watchValue = (props, watch, render) => {
    const now = () => { if (props.value) render(props.value); };
    watch("value", now);
    now();
  };

  // A small picture is enlarged by a whole number of the screen's own dots, so that each of its pixels is as large.
  const enlarge = (tile, width, room) => {
    const dots = window.devicePixelRatio || 1;
    const factor = Math.floor(room * dots / width);
    return tile < 64 && factor >= 1 ? factor * width / dots : room;
  };

  const download = (url, name) => make("a", { href: url, download: name }).click();

  const copyText = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // no permission, or no https
      const field = make("textarea", { style: "position:fixed;opacity:0" });
      (document.querySelector("dialog[open]") || document.body).append(field);
      field.value = text;
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    flash(button, "Copied");
  };

  // Says on the button itself, for a moment, that it was done.
  const flash = (button, text) => {
    button.dataset.text ??= button.textContent;
    button.textContent = text;
    clearTimeout(button.flashing);
    button.flashing = setTimeout(() => { button.textContent = button.dataset.text; }, 1500);
  };

  // One line for the whole page, for a while.
  const notice = text => {
    document.querySelector(".notice")?.remove();
    const node = make("p", { class: "notice", role: "status" });
    document.body.append(node);
    node.textContent = text;  // in a place that is there already, so that it is read out
    setTimeout(() => node.remove(), 8000);
  };

  return { make, watchValue, enlarge, download, copyText, flash, notice };
})();

// Gradio's messages: their head is a button that holds another, which readers of the screen cannot tell. Only the inner one,
// which closes, stays a button.
new MutationObserver(() => document.querySelectorAll(".toast-header[role]").forEach(head => {
  head.removeAttribute("role");
  head.removeAttribute("tabindex");
})).observe(document.documentElement, { childList: true, subtree: true });
