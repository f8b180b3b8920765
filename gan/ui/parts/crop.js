/* A picture in a square frame: dragged, zoomed, moved by the arrow keys, until the part that counts fills it. ``box()`` is that
   part as [left, top, side] in the picture's own pixels; null where all of it counts, and there is nothing to choose. */
window.gan.crop = changed => {
  const { make } = window.gan;
  const MOST_ZOOM = 8, STEP = 0.02;
  let width = 0, height = 0, least = 1, most = 0, zoom = 1, middle = [0, 0], whole = true, held = null;
  const image = make("img", { alt: "Your picture", draggable: "false" });
  const frame = make("div", { class: "crop", tabindex: "0", role: "group", "aria-label": "The part of your picture that counts: drag it, or use the arrow keys, + and -" }, image);
  const dial = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0, "aria-label": "Zoom", oninput: () => { zoom = MOST_ZOOM ** +dial.value; place(); }, onchange: () => changed() });
  const bar = make("label", { class: "zoom" }, make("span", {}, "zoom"), dial);

  const side = () => Math.min(width, height, most, Math.max(least, Math.round(Math.min(width, height, most) / zoom)));
  const inside = (value, room, length) => Math.min(Math.max(value, room / 2), length - room / 2);
  const place = () => {
    const room = side();
    middle = [inside(middle[0], room, width), inside(middle[1], room, height)];
    const percent = v => `${100 * v / room}%`;
    Object.assign(image.style, whole ? { width: "100%", height: "100%", left: "0", top: "0" }
      : { width: percent(width), height: percent(height), left: percent(room / 2 - middle[0]), top: percent(room / 2 - middle[1]) });
    image.classList.toggle("whole", whole);
  };
  const move = (x, y) => { middle = [middle[0] + x * side(), middle[1] + y * side()]; place(); };

  frame.addEventListener("pointerdown", event => {
    if (whole || !event.isPrimary) return;
    frame.setPointerCapture(event.pointerId);
    held = [event.clientX, event.clientY];
  });
  frame.addEventListener("pointermove", event => {
    if (!held || !event.isPrimary) return;
    move((held[0] - event.clientX) / frame.clientWidth, (held[1] - event.clientY) / frame.clientHeight);
    held = [event.clientX, event.clientY];
  });
  const release = () => { if (held) { held = null; changed(); } };
  for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, release);
  frame.addEventListener("keydown", event => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (whole || !way && !"+-".includes(event.key)) return;
    event.preventDefault();
    if (way) move(way[0] * STEP, way[1] * STEP);
    else { dial.value = +dial.value + (event.key === "+" ? 0.05 : -0.05); zoom = MOST_ZOOM ** +dial.value; place(); }
  });
  frame.addEventListener("keyup", event => { if (!whole && (event.key.startsWith("Arrow") || "+-".includes(event.key))) changed(); });

  // Shows a picture. ``all``: it may be any shape, of at most ``largest`` pixels; what is larger is cut like others.
  // No less than ``smallest`` px to a side are chosen, unless it has fewer.
  const show = async (url, { all, largest, smallest }) => {
    image.src = url;
    try { await image.decode(); } catch { return; }  // another picture has come meanwhile
    [width, height] = [image.naturalWidth, image.naturalHeight];
    whole = all && width * height <= largest;
    least = smallest;
    most = all ? Math.floor(Math.sqrt(largest)) : Math.min(width, height);
    [zoom, middle, dial.value] = [1, [width / 2, height / 2], 0];
    bar.hidden = whole;
    place();
  };
  const corner = (value, length) => Math.min(Math.max(0, Math.round(value - side() / 2)), length - side());
  const box = () => whole ? null : [corner(middle[0], width), corner(middle[1], height), side()];
  return { frame, bar, show, box, get whole() { return whole; } };
};
