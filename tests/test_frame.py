"""The app inside the Hub's page: its frame at *.hf.space, and the page around it that keeps the address true.

The page around it is played by one of our own: as the Hub does, it hands its query to the frame when it is opened, and puts
the query that the app reports into its own address.
"""

import re

import pytest
from chromium import FLAGS, executable
from visiting import TOP

pytestmark = pytest.mark.browser

PARENT = "https://huggingface.co/spaces/ada/demo"
PAGE = """<!doctype html><title>demo</title><iframe style="width:100%;height:95vh;border:0"
 allow="clipboard-read; clipboard-write" sandbox="allow-downloads allow-forms allow-modals allow-popups allow-same-origin
 allow-scripts"></iframe><script>
document.querySelector("iframe").src = "CHILD/" + location.search;
window.heard = [];
window.addEventListener("message", event => {
  if (event.origin !== "CHILD" || event.data?.queryString === undefined) return;
  heard.push(event.data.queryString);
  history.replaceState(null, "", location.pathname + (event.data.queryString ? "?" + event.data.queryString : ""));
});
</script>"""


@pytest.fixture
def hub_page(site):
    """A page of a browser in which the Hub's names are there: the frame's leads to the app, the other to a page of ours."""
    port = site.url.rstrip("/").rpartition(":")[2]
    flags = ["--host-resolver-rules=MAP *.hf.space 127.0.0.1", "--allow-running-insecure-content",
             "--disable-features=AutoupgradeMixedContent", "--disable-web-security"]  # the app here has no https
    browser = site.browser.browser_type.launch(executable_path=executable(), args=[*FLAGS, *flags])
    page = browser.new_page(viewport=dict(width=1280, height=900))
    page.set_default_timeout(15_000)
    text = PAGE.replace("CHILD", f"http://ada-demo.hf.space:{port}")
    page.route("https://huggingface.co/**", lambda route: route.fulfill(body=text, content_type="text/html")
               if route.request.url.startswith(PARENT) else route.fulfill(status=404, body="{}"))
    yield page
    browser.close()


def test_the_address_of_the_page_around_is_kept_true(hub_page):
    page, frame = hub_page, hub_page.frame_locator("iframe")
    page.goto(PARENT)
    frame.get_by_role("button", name="Generate with digits").click()
    frame.locator(TOP).wait_for()
    page.wait_for_url(re.compile(r"/spaces/ada/demo\?page=generate&model=digits&rev=\w{12}&seed=0-15&psi=1$"))
    first = page.url
    frame.get_by_role("button", name="Roll the dice").click()
    page.wait_for_function("first => location.href !== first", arg=first)
    shared = page.url

    page.goto("about:blank")
    page.goto(shared)  # a friend, who was sent what stood in the address bar
    frame.locator(TOP).wait_for()
    assert frame.locator("#seed input").input_value() == re.search(r"seed=(\d+)-", shared)[1]
    frame.get_by_role("tab", name="Gallery").click()
    page.wait_for_url(re.compile(r"/spaces/ada/demo\?page=gallery$"))
    assert page.evaluate("heard").count("page=gallery") == 1
