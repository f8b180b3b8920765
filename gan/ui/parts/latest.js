/* One request at a time; of what changes meanwhile the last counts, and is asked for after the answer, or once nothing was heard
   for so long: a request is never answered where the queue was full, or the connection broke.
   ``send`` asks with what stands on the page by then; it returns false where there is nothing to ask for. */
window.gan.PATIENCE_MS = 15_000;
window.gan.latest = send => {
  let since = 0, again = false, timer = 0;  // since: when the request under way was last heard of, 0 = none
  const heard = () => { since = performance.now(); };
  const ask = () => {
    clearTimeout(timer);
    const left = since && since + gan.PATIENCE_MS - performance.now();
    again = left > 0;
    if (again) { timer = setTimeout(ask, left); return; }
    heard();
    if (send() === false) since = 0;
  };
  const done = () => { since = 0; if (again) ask(); };
  const forget = () => { clearTimeout(timer); [since, again] = [0, false]; };  // whatever is under way is of no use any more
  return { ask, heard, done, forget };
};
