/* What is said of a job while it runs, with a way to stop it: see job.py. */
window.gan.job = (() => {
  const { make } = window.gan;
  return cancel => {
    let id = null;
    const bar = make("progress", { max: 1, value: 0, "aria-label": "Progress" });
    const text = make("span", { "aria-live": "polite" });
    const stop = make("button", { type: "button", class: "gan-button", onclick: () => cancel({ job: id }) }, "Cancel");
    const node = make("div", { class: "job", hidden: true }, bar, text, stop);
    const show = value => {
      node.hidden = value.kind !== "progress";
      if (node.hidden) return;
      id = value.job;
      bar.value = value.total ? value.done / value.total : 0;
      text.textContent = value.text;
    };
    const end = () => {  // nobody waits for it any more
      if (!node.hidden) cancel({ job: id });
      node.hidden = true;
    };
    return { node, show, end };
  };
})();
