/* A PNG with the recipe that made it, in the text chunk that the gallery reads back. */
const table = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1;
  return n >>> 0;
});
const crc = bytes => (bytes.reduce((c, byte) => table[(c ^ byte) & 255] ^ c >>> 8, 0xffffffff) ^ 0xffffffff) >>> 0;

function chunk(kind, data) {
  const body = new Uint8Array([...kind].map(ch => ch.charCodeAt(0)).concat([...data]));
  const whole = new Uint8Array(body.length + 8), view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return whole;
}

/* The canvas as a PNG blob; ``recipe`` becomes the JSON of its text chunk. */
export async function png(canvas, recipe) {
  const blob = await new Promise(done => canvas.toBlob(done, "image/png"));
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const json = JSON.stringify(recipe).replace(/[^\x20-\x7e]/g, ch => "\\u" + ch.charCodeAt(0).toString(16).padStart(4, "0"));
  const text = chunk("tEXt", new TextEncoder().encode(`gan-gallery\0${json}`));
  const behindHeader = 33;  // signature and IHDR
  return new Blob([bytes.slice(0, behindHeader), text, bytes.slice(behindHeader)], { type: "image/png" });
}
