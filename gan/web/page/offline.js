/* Keeps the whole site after the first visit, so that it works without a network. Its list of files is in site.json.

   `build_site` writes VERSION above this: a site that was built anew has another worker, which the browser then installs. All
   that a page needs comes from one version, site.json too, or pictures would be those of another model than is named. So the
   visit after a new version shows the old one, the next the new one. */
const PREFIX = `gan-gallery ${location.pathname} `;  // sites of one host share its caches: each cleans its own
const NAME = PREFIX + VERSION;

async function keep() {
  const current = url => new Request(url, { cache: "no-cache" });  // the browser's own cache may hold an earlier version
  const listed = await fetch(current("site.json"));
  const { files } = await listed.clone().json();
  const cache = await caches.open(NAME);
  await cache.addAll(["./", ...files].map(current));
  await cache.put("site.json", listed);
}

async function takeOver() {
  await self.clients.claim();
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
}

async function answer(request) {
  const page = request.url.split("?")[0].endsWith("/index.html");
  return await caches.match(page ? "./" : request, { ignoreSearch: true, cacheName: NAME }) || fetch(request);
}

self.addEventListener("install", event => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", event => event.waitUntil(takeOver()));
self.addEventListener("fetch", event => {
  const { method, url } = event.request;
  if (method === "GET" && new URL(url).origin === location.origin) event.respondWith(answer(event.request));
});
