/* A picture dropped anywhere on the page goes to the upload button, which stands above the pages and is always there; saved
   favourites go to their page. */
(() => {
  const holdsFile = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", event => {
    if (holdsFile(event)) { event.preventDefault(); document.body.classList.add("dropping"); }
  });
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  document.addEventListener("drop", event => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    const given = event.dataTransfer.files[0];
    if (given?.name.endsWith(".json")) {  // favourites that were saved
      gan.keep.load(given).then(text => document.dispatchEvent(new CustomEvent("gan-favourites", { detail: text })));
      return gan.link.go("page=keep");
    }
    const field = document.querySelector("#restore")?.parentElement?.querySelector("input[type=file]");
    if (!field || !given) return;
    const one = new DataTransfer();
    one.items.add(given);
    field.files = one.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
