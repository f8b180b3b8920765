/* ONNX Runtime: on the graphics processor where the site has brought the means and the visitor has one, else on WebAssembly. */
const FOLDER = new URL("./runtime/", import.meta.url).href;

/* Whether WebGPU draws here. ?runtime=webgpu takes one that a program imitates too, ?runtime=wasm takes none. */
async function graphics(brought) {
  const asked = new URLSearchParams(location.search).get("runtime");
  if (!brought || asked === "wasm" || !("Suspending" in WebAssembly)) return false;  // its runtime waits by JSPI
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (asked === "webgpu" || !adapter.info.isFallbackAdapter);
}

/* { ort, name, open }: open makes a graph of the bytes of a file. What makes w stays on the processor: it is small. */
export async function start(brought) {
  const gpu = await graphics(brought);
  const ort = await (gpu ? import("./runtime/ort.jspi.min.mjs") : import("./runtime/ort.wasm.min.mjs"));
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;  // more need headers that a plain file server does not send
  ort.env.wasm.wasmPaths = FOLDER;
  let last = Promise.resolve();  // one thing at a time: a graph that waits for the graphics processor takes no second call
  const inTurn = call => (last = last.catch(() => {}).then(call));
  const open = async (bytes, kind) => {
    const executionProviders = gpu && kind === "pixels" ? ["webgpu", "wasm"] : ["wasm"];
    const graph = await inTurn(() => ort.InferenceSession.create(bytes, { executionProviders }));
    return { inputNames: graph.inputNames, run: given => inTurn(() => graph.run(given)) };
  };
  return { ort, name: gpu ? "WebGPU" : "WebAssembly", open };
}
