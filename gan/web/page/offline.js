/* Keeps the whole site after the first visit, so that it works without a network. The list and its name are in site.json. */
const kept = async () => {
  const { files, version } = await (await fetch("site.json")).json();
  const cache = await caches.open(`gan-gallery-${version}`);
  await cache.addAll(["./", "site.json", ...files]);
  for (const name of await caches.keys()) if (name.startsWith("gan-gallery-") && name !== `gan-gallery-${version}`) await caches.delete(name);
};
self.addEventListener("install", event => event.waitUntil(kept().then(() => self.skipWaiting())));
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", event => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  // What is new on the server comes first for the list, so that a new version is seen; all else is as it was kept.
  const fresh = event.request.url.endsWith("site.json");
  const stored = () => caches.match(event.request, { ignoreSearch: true });
  event.respondWith(fresh ? fetch(event.request).catch(stored) : stored().then(found => found || fetch(event.request)));
});
