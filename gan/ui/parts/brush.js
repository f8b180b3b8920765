/* Drawing on a canvas, by mouse, touch, pen and keyboard. What is drawn is a list of strokes in parts of the side, so that it is
   drawn again at any size: large for the eye, small for a model. ``paper`` is the colour that the eraser leaves, none = clear. */
window.gan.brush = (canvas, { ink, paper = null, size, changed }) => {
  const SHOWN = 512, STEP = 1 / 64;
  let strokes = [], current = null, width = size, erasing = false, cursor = null, down = false;
  canvas.width = canvas.height = SHOWN;
  canvas.tabIndex = 0;

  const blank = (pen, side) => {
    pen.clearRect(0, 0, side, side);
    if (paper) { pen.fillStyle = paper; pen.fillRect(0, 0, side, side); }
  };
  const line = (pen, side, stroke) => {
    pen.globalCompositeOperation = stroke.erase && !paper ? "destination-out" : "source-over";
    pen.strokeStyle = stroke.erase && paper ? paper : ink;
    pen.lineWidth = stroke.width * side;
    pen.beginPath();
    const [[x, y], ...more] = stroke.points;
    pen.moveTo(x * side, y * side);
    pen.lineTo(x * side + 0.01, y * side);  // a point alone is a dot
    for (const [a, b] of more) pen.lineTo(a * side, b * side);
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
  };
  const whole = (pen, image, side) => {  // its central square
    const { naturalWidth: w, naturalHeight: h } = image, room = Math.min(w, h);
    pen.drawImage(image, (w - room) / 2, (h - room) / 2, room, room, 0, 0, side, side);
  };
  const address = image => {
    const side = Math.min(SHOWN, image.naturalWidth, image.naturalHeight);
    const square = Object.assign(document.createElement("canvas"), { width: side, height: side });
    whole(square.getContext("2d"), image, side);
    return square.toDataURL("image/png");
  };
  const since = () => strokes.slice(Math.max(0, strokes.findLastIndex(s => s.cleared || s.image)));  // of before nothing is seen
  // Draws it all on a canvas of any size.
  const paint = target => {
    const pen = target.getContext("2d"), side = target.width;
    pen.lineCap = pen.lineJoin = "round";
    pen.imageSmoothingEnabled = target !== canvas;
    blank(pen, side);
    for (const stroke of since()) {
      if (stroke.image) whole(pen, stroke.image, side);
      else if (stroke.points) line(pen, side, stroke);
    }
  };
  const show = () => {
    paint(canvas);
    if (!cursor || document.activeElement !== canvas) return;
    const pen = canvas.getContext("2d");
    pen.strokeStyle = down ? "#c2613f" : "#6f6a64";
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(cursor[0] * SHOWN, cursor[1] * SHOWN, Math.max(6, width * SHOWN / 2), 0, 7);
    pen.stroke();
  };
  const tell = ended => { show(); changed?.(ended); };
  const begin = (point, erase) => { current = { width, erase, points: [point] }; strokes.push(current); };
  const add = stroke => { strokes.push(stroke); tell(true); };

  const at = event => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", event => {
    if (!event.isPrimary || event.button > 0 && event.button !== 5) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    [cursor, down] = [null, false];
    begin(at(event), erasing || event.button === 5);  // the other end of a pen
    tell(false);
  });
  canvas.addEventListener("pointermove", event => {
    if (!current || !event.isPrimary || down) return;
    const all = event.getCoalescedEvents?.() ?? [];
    current.points.push(...(all.length ? all : [event]).map(at));
    tell(false);
  });
  const lift = () => { if (current && !down) { current = null; tell(true); } };
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, lift);

  // The keyboard: arrows move a ring, the space bar sets the pen down and lifts it.
  canvas.addEventListener("keydown", event => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      cursor = (cursor ?? [0.5, 0.5]).map((v, k) => Math.min(1, Math.max(0, v + way[k] * STEP * (event.shiftKey ? 4 : 1))));
      if (down) current.points.push(cursor);
      if (down) tell(false); else show();
    } else if (event.key === " " || event.key === "Enter") {
      cursor ??= [0.5, 0.5];
      down = !down;
      if (down) begin(cursor, erasing); else current = null;
      tell(!down);
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else return;
    event.preventDefault();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => { if (name === "blur" && down) { down = false; current = null; changed?.(true); } show(); });

  const undo = () => { current = null; down = false; if (strokes.pop()) tell(true); };
  // What is drawn, as values that JSON holds, and the same drawn again where nothing is drawn yet.
  const kept = () => since().map(s => s.image ? { image: address(s.image) } : s);
  const restore = async (list, wanted) => {
    const found = await Promise.all(list.map(async s => {
      if (!s.image) return s;
      const image = Object.assign(new Image(), { src: s.image });
      await image.decode();
      return { image };
    }));
    if (strokes.length || !wanted()) return;
    strokes = found;
    tell(true);
  };
  // Nothing is there: no stroke since it was cleared last.
  const empty = () => !strokes.slice(strokes.findLastIndex(s => s.cleared) + 1).some(s => s.image || !s.erase);
  // A bit a pixel of that many to a side, row by row, 1 where nothing is drawn, as base64.
  const bits = side => {
    const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
    paint(small);
    const data = small.getContext("2d").getImageData(0, 0, side, side).data;
    const bytes = new Uint8Array(Math.ceil(side * side / 8));
    for (let i = 0; i < side * side; i++) if (data[4 * i + 3] < 128) bytes[i >> 3] |= 128 >> (i & 7);
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
  };
  show();
  return {
    canvas, paint, undo, empty, bits, kept, restore,
    dot: (x, y, wide) => add({ width: wide, erase: false, points: [[x, y]] }),
    clear: () => { if (!empty()) add({ cleared: true }); },
    picture: image => add({ image }),
    forget: () => { strokes = []; current = null; down = false; show(); },
    erase: on => { erasing = on; },
    size: wide => { width = wide; },
  };
};
