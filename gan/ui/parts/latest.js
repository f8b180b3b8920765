/* One request at a time; of what changes meanwhile the last counts, and is asked for after the answer.
   ``send`` asks with what stands on the page by then; it returns false where there is nothing to ask for. */
window.gan.latest = (send, patience = Infinity) => {
  let since = 0, again = false;  // since: when the request under way was last heard of, 0 = none
  const heard = () => { since = performance.now(); };
  const ask = () => {
    if (since && performance.now() - since < patience) { again = true; return; }
    again = false;
    heard();
    if (send() === false) since = 0;
  };
  const done = () => { since = 0; if (again) ask(); };
  const forget = () => { [since, again] = [0, false]; };  // whatever is under way is of no use any more
  return { ask, heard, done, forget };
};
