/* The address of the page. Each page says the link that restores it; the address bar shows that of the open page. A page is
   opened by the server when a visitor first comes to it, with its part of the link. A page that is turned to, or a link that is
   followed, is an entry of its own in the browser's history; what is changed on a page is not. */
window.gan.link = (() => {
  const PATIENCE_MS = 20_000;
  const said = {};            // page -> the link that restores it, as a query string
  const opened = new Set();   // pages that the server has opened
  let page = null;            // the one that is open, null until the link that the visitor came with has been read
  let waiting = null;         // a tab that was chosen before that
  let wanted = null;          // a link that was followed before that: its answer could be overtaken by the first one's
  let ask = null, timer = 0;
  let followed = null, number = 0;  // the link that was followed last, and how many were
  let anew = false;           // whether the next address is another entry of the browser's history
  let returns = false, late = 0;  // the browser went back or forth, without an answer yet: the address is the browser's then

  const query = link => {
    const theme = new URLSearchParams(location.search).get("__theme");
    return `?${link}` + (theme ? `&__theme=${encodeURIComponent(theme)}` : "");
  };
  const sync = () => {  // browsers allow some hundred changes in half a minute, and a slider makes more
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!page || returns) return;
      const now = query(said[page] || `page=${page}`);
      if (now !== location.search) history[anew ? "pushState" : "replaceState"](history.state, "", now);
      anew = false;
      if (window.parent !== window && location.hostname.endsWith(".hf.space")) {
        window.parent.postMessage({ queryString: now.slice(1) }, "https://huggingface.co");
      }
    }, 120);
  };

  // The link that restores what a page shows now; a visitor who goes back comes to what it showed before, if that was left.
  const say = (link, left = false) => {
    const name = new URLSearchParams(link).get("page");
    said[name] = link;
    if (left) anew = true;
    if (name === page) sync();
  };

  // One link at a time: answers that come in another order would end at one that was left.
  const following = gan.latest(() => ask({ link: followed, turn: true, number }));
  const follow = link => {
    followed = link;
    number++;
    following.ask();
  };

  // Opens a page as a link says, from the server.
  const go = link => {
    anew = Boolean(page);
    if (page || wanted) follow(link);  // followed again: the first answer may never come, where a queue was full
    if (!page) wanted = link;
    window.scrollTo({ top: 0 });
  };

  // A tab was chosen, or reports itself when it is mounted.
  const turn = name => {
    waiting = name;
    if (!page || name === page) return;
    page = name;
    if (!returns) anew = true;
    sync();
    // A link of the server's turns the tab and brings the page's values at once, in no known order.
    setTimeout(() => { if (!opened.has(name)) { opened.add(name); ask({ link: `page=${name}`, turn: false }); } }, 30);
  };

  // The server's word that a link has been read, whether or not all of it could be.
  const listen = (props, watch, { open }) => {
    ask = open;
    gan.watchValue(props, watch, value => {
      const first = !page;
      if (value.number != null) following.done();
      if (returns && value.number === number) returns = anew = false;
      value.tray?.forEach(gan.tray.add);
      opened.add(value.page);
      if (value.turned || first) page = value.page;
      if (first && !value.turned && waiting && waiting !== page) turn(waiting);
      if (!first || said[page]) sync();
      if (first && wanted) go(wanted);
    });
  };

  window.addEventListener("popstate", () => {
    if (!page) return;
    returns = true;
    clearTimeout(late);
    late = setTimeout(() => { returns = false; }, PATIENCE_MS);
    follow(location.search.slice(1) || "page=gallery");
  });

  const address = link => location.origin + location.pathname + query(link);
  return { say, go, turn, listen, address };
})();
