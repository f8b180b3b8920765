/* A model of the site: two graphs that ONNX Runtime runs, loaded when it is first drawn with. */
import { between, draw } from "./latent.js";

export class Model {
  constructor(described, runtime) {
    Object.assign(this, described);
    this.runtime = runtime;  // a promise, as runtime.js gives it
    this.graphs = null;
  }

  load() {
    const open = async (name, kind) => {  // the file is on its way while the runtime compiles
      const answer = await fetch(new URL(`./models/${this.folder}/${name}`, import.meta.url));
      if (answer.status === 404) throw new Error("this page is of an earlier version of the site, reload it");
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const bytes = new Uint8Array(await answer.arrayBuffer()), { open } = await this.runtime;
      return open(bytes, kind);
    };
    return this.graphs ??= Promise.all([open("w.onnx", "latent"), open("pixels.onnx", "pixels")]);
  }

  async toW({ z, c }, psi) {  // Float32Array
    const [graph] = await this.load(), { ort } = await this.runtime;
    const given = { z: new ort.Tensor("float32", z, [1, z.length]), psi: new ort.Tensor("float32", [psi], [1]) };
    if (graph.inputNames.includes("c")) given.c = new ort.Tensor("int64", [BigInt(c)], [1]);
    const { w } = await graph.run(given);
    this.shape = w.dims;
    return w.data;
  }

  async pixels(w) {  // Uint8Array [H, W, C]
    const [, graph] = await this.load(), { ort } = await this.runtime;
    const out = await graph.run({ w: new ort.Tensor("float32", w, this.shape) });
    return out.pixels.data;
  }

  async draw(seed, label = null, psi = 1) {
    return this.pixels(await this.toW(draw(this.latent, seed, label), psi));
  }

  async walk(from, to, label, psi, t) {
    return this.pixels(await between(this, draw(this.latent, from, label), draw(this.latent, to, label), psi, t));
  }

  /* The pixels on a canvas of their size, at a place of it. */
  paint(canvas, pixels, x = 0, y = 0) {
    const side = this.resolution, image = new ImageData(side, side);
    for (let k = 0; k < side * side; k++) {
      for (let band = 0; band < 3; band++) image.data[4 * k + band] = pixels[this.channels === 1 ? k : 3 * k + band];
      image.data[4 * k + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, x, y);
  }

  recipe(seeds, label, psi) {  // as gan/recipe.py reads it
    return { format: 2, kind: "seeds", model: this.id, revision: this.revision, seeds,
             class: label === null ? null : this.classNames[label], psi, codes: null };
  }
}
