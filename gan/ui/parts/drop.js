/* Pictures dropped anywhere on the page go to the upload button, which stands above the pages and is always there; those that
   are dropped on an element with data-drop go there, as an event gan-drop with a list: all of them where it says "several", else
   the first. Saved favourites go to their page. */
(() => {
  // The first of the files; what is not taken is said.
  gan.first = files => {
    if (files.length > 1) gan.notice(`One file is taken here: “${files[0].name}”. The other ${files.length > 2 ? `${files.length - 1} were` : "one was"} not.`);
    return files[0];
  };
  const holdsFile = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  const zoneOf = event => event.target.closest?.("[data-drop]");
  const mark = (zone, anywhere) => {
    const zones = [...document.querySelectorAll("[data-drop]")].filter(one => one.checkVisibility());
    document.body.classList.toggle("dropping", anywhere);
    document.body.dataset.dropping = zones.length ? "Drop it into the frame to use it there, anywhere else to restore its settings" : "Drop the picture to restore its settings";
    for (const one of zones) one.classList.toggle("dropping-here", one === zone);
  };
  document.addEventListener("dragover", event => {
    if (holdsFile(event)) { event.preventDefault(); mark(zoneOf(event), true); }
  });
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) mark(null, false); });
  document.addEventListener("drop", event => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(null, false);
    const files = [...event.dataTransfer.files], zone = zoneOf(event);
    if (!files.length) return;
    if (files[0].name.endsWith(".json")) {  // favourites that were saved
      gan.keep.load(gan.first(files)).then(text => document.dispatchEvent(new CustomEvent("gan-favourites", { detail: text })));
      return gan.link.go("page=keep");
    }
    if (zone) return zone.dispatchEvent(new CustomEvent("gan-drop", { detail: zone.dataset.drop === "several" ? files : [gan.first(files)] }));
    const field = document.querySelector("#restore")?.parentElement?.querySelector("input[type=file]");
    if (!field) return;
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
