/* The tray: images that a visitor has put aside, in order, as {model, seed, label, thumb}. It lives in the browser under a fixed
   name, so that it outlasts a refresh and a restart of the server. ``thumb`` is a small picture as a data address. */
window.gan.tray = (() => {
  const KEY = "gan-gallery-tray", MOST = 48;
  const listeners = new Set();
  const sound = i => i && typeof i.model === "string" && Number.isInteger(i.seed) && i.seed >= 0 && i.seed < 2 ** 32
    && (i.label == null || typeof i.label === "string") && (i.thumb == null || /^data:image\/(webp|png);base64,[\w+/=]*$/.test(i.thumb));
  const read = () => {
    try {
      const items = JSON.parse(localStorage.getItem(KEY));
      return Array.isArray(items) ? items.filter(sound).slice(0, MOST) : [];
    } catch { return []; }  // storage is closed, or somebody else wrote there
  };
  let items = read();
  const tell = () => listeners.forEach(listener => listener());
  const write = changed => {
    items = changed.slice(-MOST);
    try { localStorage.setItem(KEY, JSON.stringify(items)); } catch { /* full or closed: it lives until the page is left */ }
    tell();
  };
  window.addEventListener("storage", event => { if (event.key === KEY) { items = read(); tell(); } });
  return {
    list: model => items.filter(i => model === undefined || i.model === model),
    add: item => { if (sound(item)) write([...items, item]); },
    remove: item => write(items.filter(i => i !== item)),
    clear: model => write(items.filter(i => model !== undefined && i.model !== model)),
    watch: listener => { listeners.add(listener); listener(); },
  };
})();
