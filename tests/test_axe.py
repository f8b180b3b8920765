"""No serious fault of accessibility on any page, light or dark, by axe-core; where that is installed."""

from pathlib import Path

import pytest
from visiting import TOLD

from gan.ui.pages import PAGES

axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: pip install axe-playwright-python")
pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCRIPT = next(Path(axe.__file__).parent.rglob("axe.min.js"))
SETTLED = {"gallery": ".card", "generate": ".sheet img", "interpolate": ".player:not([hidden])",
           "edit": ".desk:not([hidden])", "augment": ".set li"}


def serious(page) -> list[str]:
    page.evaluate(SCRIPT.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    return [f"{v['id']}: {v['help']}: {[n['html'][:200] for n in v['nodes'][:4]]} {v['nodes'][0]['failureSummary'][:200]}"
            for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [page.id for page in PAGES])
def test_no_serious_violation(site, name, scheme):
    context = site.browser.new_context(viewport=dict(width=1440, height=900), color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        page.goto(f"{site.url}?page={name}&__theme={scheme}")
        page.wait_for_selector(SETTLED.get(name, "[role=tab][aria-selected=true]"))
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)  # what fades in is not yet as dark as it will be
        assert not serious(page)
        page.goto(f"{site.url}?page={name}&models=no-model&__theme={scheme}")
        page.wait_for_selector(TOLD)
        page.wait_for_timeout(1000)
        assert not serious(page)
    finally:
        context.close()
