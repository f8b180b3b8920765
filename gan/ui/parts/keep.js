/* Favourites: pictures that a visitor keeps, each as the link and the recipe that draw it again, with a small copy to see.
   They live in the browser under a fixed name, so that they outlast a refresh and a restart of the server. */
window.gan.keep = (() => {
  const { make, download } = window.gan;
  const KEY = "gan-gallery-favourites", MOST = 300, SIDE = 160, THUMB = 100_000;
  const listeners = new Set();
  const text = (value, most) => typeof value === "string" && value.length <= most;
  const sound = item => item && text(item.link, 8000) && item.link.startsWith("page=") && text(item.recipe, 65536) && text(item.text, 300)
    && text(item.thumb, THUMB) && /^$|^data:image\/(webp|png);base64,[\w+/=]*$/.test(item.thumb);
  const only = ({ link, recipe, text, thumb }) => ({ link, recipe, text, thumb });
  const usable = list => Array.isArray(list) ? list.filter(sound).map(only) : [];
  const read = () => {
    try { return usable(JSON.parse(localStorage.getItem(KEY))).slice(0, MOST); } catch { return []; }  // storage is closed, or another's text in it
  };
  let items = read();
  const tell = () => listeners.forEach(listener => listener());
  const write = changed => {
    items = changed;
    try { localStorage.setItem(KEY, JSON.stringify(items)); } catch { /* full or closed: it lives until the page is left */ }
    tell();
  };
  window.addEventListener("storage", event => { if (event.key === KEY) { items = read(); tell(); } });

  const has = link => items.some(item => item.link === link);
  const remove = link => write(items.filter(item => item.link !== link));
  const add = item => { if (sound(item)) write([only(item), ...items.filter(i => i.link !== item.link)].slice(0, MOST)); };

  // A small copy of a picture, as an item keeps it.
  const thumb = (picture, width, height) => {
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const small = make("canvas", { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
    small.getContext("2d").drawImage(picture, 0, 0, small.width, small.height);
    return small.toDataURL("image/webp", 0.85);
  };

  // A button that keeps item(): {link, text, recipe(), thumb()}, or null while there is nothing to keep.
  const button = item => {
    const node = make("button", { type: "button", class: "gan-button keep", onclick: () => {
      const now = item();
      if (!now) return;
      if (has(now.link)) remove(now.link); else add({ ...now, recipe: now.recipe(), thumb: now.thumb() });
    } });
    node.refresh = () => {
      const now = item(), kept = Boolean(now && has(now.link));
      node.disabled = !now;
      node.setAttribute("aria-pressed", String(kept));
      node.textContent = kept ? "♥ Kept" : "♡ Keep";
    };
    listeners.add(node.refresh);
    node.refresh();
    return node;
  };

  const save = () => {
    const body = JSON.stringify({ format: 1, kind: "gan-gallery favourites", items }, null, 1);
    const url = URL.createObjectURL(new Blob([body], { type: "application/json" }));
    download(url, "gan-gallery-favourites.json");
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  // Adds what a saved file holds, and says what came of it.
  const load = async file => {
    let found = null;
    try { if (file.size < 2 ** 26) found = JSON.parse(await file.text()); } catch { /* no JSON */ }
    if (!Array.isArray(found?.items)) return "This file holds no favourites: choose one that was saved here.";
    const good = usable(found.items), fresh = good.filter(item => !has(item.link));
    const added = fresh.slice(0, Math.max(0, MOST - items.length)), more = fresh.length - added.length;
    write([...items, ...added]);
    const left = found.items.length - good.length;
    return `${added.length} added, ${good.length - fresh.length} were here already` + (left ? `, ${left} could not be read` : "")
      + (more ? `, ${more} had no room: at most ${MOST} are kept` : "") + ".";
  };

  return { add, remove, has, thumb, button, save, load, list: () => items, watch: listener => { listeners.add(listener); listener(); } };
})();
