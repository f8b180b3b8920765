/* A picture dropped anywhere on the page goes to the upload button, which stands above the pages and is always there; one that
   is dropped on an element with data-drop goes there, as an event gan-drop; saved favourites go to their page. */
(() => {
  const holdsFile = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  const zoneOf = event => event.target.closest?.("[data-drop]");
  const mark = (zone, anywhere) => {
    document.body.classList.toggle("dropping", anywhere && !zone);
    for (const one of document.querySelectorAll("[data-drop]")) one.classList.toggle("dropping-here", one === zone);
  };
  document.addEventListener("dragover", event => {
    if (holdsFile(event)) { event.preventDefault(); mark(zoneOf(event), true); }
  });
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) mark(null, false); });
  document.addEventListener("drop", event => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(null, false);
    const given = event.dataTransfer.files[0];
    if (given?.name.endsWith(".json")) {  // favourites that were saved
      gan.keep.load(given).then(text => document.dispatchEvent(new CustomEvent("gan-favourites", { detail: text })));
      return gan.link.go("page=keep");
    }
    if (given && zoneOf(event)) return zoneOf(event).dispatchEvent(new CustomEvent("gan-drop", { detail: given }));
    const field = document.querySelector("#restore")?.parentElement?.querySelector("input[type=file]");
    if (!field || !given) return;
    const one = new DataTransfer();
    one.items.add(given);
    field.files = one.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
