/* From a seed to z and a class, and from one draw to another: gan/latent.py and gan/walk.py in this language. */
import { RandomState } from "./random.js";

const times = (count, make) => Array.from({ length: count }, (_, k) => make(k));

/* {z: Float32Array, c}; the class is drawn even where another is asked for: it is part of the stream. */
export function draw(latent, seed, label = null) {
  const random = new RandomState(seed);
  let noise = times(latent.noise, () => latent.prior === "uniform" ? 2 * random.sample() - 1 : random.normal());
  if (latent.prior === "sphere") {
    const scale = Math.sqrt(latent.noise) / Math.hypot(...noise);
    noise = noise.map(v => v * scale);
  }
  const indices = latent.categorical.map(k => Math.floor(random.sample() * k));
  const continuous = times(latent.continuous, () => 2 * random.sample() - 1);
  const c = Math.floor(random.sample() * latent.classes);
  const oneHot = latent.categorical.flatMap((k, row) => times(k, i => i === indices[row] ? 1 : 0));
  return { z: Float32Array.from([...noise, ...oneHot, ...continuous]), c: label ?? c };
}

export const lerp = (a, b, t) => a.map((v, k) => v + t * (b[k] - v));

/* Along the great circle; norms move on a straight line (White 2016, arXiv:1609.04468). */
function slerp(a, b, t) {
  const size = v => Math.hypot(...v);
  const sizeA = size(a), sizeB = size(b);
  const dot = a.reduce((sum, v, k) => sum + v * b[k], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / Math.max(sizeA * sizeB, 1e-12))));
  if (Math.abs(angle) < 1e-4) return lerp(a, b, t);
  const length = (sizeA + t * (sizeB - sizeA)) / Math.sin(angle);
  const partA = Math.sin((1 - t) * angle) * length / sizeA, partB = Math.sin(t * angle) * length / sizeB;
  return a.map((v, k) => partA * v + partB * b[k]);
}

/* w between two draws: straight in w where the model has learned its mapping, else around the sphere of z's noise. */
export async function between(model, a, b, psi, t) {
  if (model.learned) return lerp(await model.toW(a, psi), await model.toW(b, psi), t);
  const n = model.latent.noise, around = model.latent.prior === "uniform" ? lerp : slerp;
  const z = Float32Array.from([...around(a.z.slice(0, n), b.z.slice(0, n), t), ...lerp(a.z.slice(n), b.z.slice(n), t)]);
  const one = await model.toW({ z, c: a.c }, psi);
  return a.c === b.c ? one : lerp(one, await model.toW({ z, c: b.c }, psi), t);
}
