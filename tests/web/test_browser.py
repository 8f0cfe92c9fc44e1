from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
PAGES = [
    "/desk/worklist",
    "/desk/worklist?open=0",
    "/desk/record",
    "/desk/grid",
    "/desk/big",
    "/desk/heatmap",
    "/desk/charts",
    "/desk/studio",
    "/desk/messages",
    "/desk/map",
    "/desk/board",
    "/desk/lab",
    "/desk/empty",
    "/portal/form",
    "/explain/on-time",
    "/accounts/login/",
]

CHECK = """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'],
    rules: {'target-size': {enabled: false}}}).then((found) => found.violations)"""
SIZES = "axe.run(document, {runOnly: {type: 'rule', values: ['target-size']}}).then((found) => found.violations)"
WAITING = ":is(tw-grid, tw-chart, tw-map, tw-timeline):not(.is-ready)"


def settle(page: Page, path: str) -> None:
    page.set_default_timeout(20_000)
    page.goto(path)
    page.locator(WAITING).first.wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_archetype_is_accessible_and_fits(browser: Browser, preview: str, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci)")
    axe = AXE.read_text()
    shots = os.environ.get("TIERWISE_SCREENSHOTS")
    context = browser.new_context(viewport={"width": width, "height": 900}, base_url=preview, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for path in PAGES:
        settle(page, path)
        page.evaluate(axe)
        found = page.evaluate(CHECK)
        # The fixed bar at the foot of a phone covers what can be scrolled from under it: sizes are judged without it.
        page.add_style_tag(content=".bottom { display: none !important }")
        found += page.evaluate(SIZES)
        wrong += [f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in found]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{path}: wider than the window")
        if shots:
            name = re.sub(r"\W+", "-", path.strip("/"))
            page.screenshot(path=Path(shots, f"{name}-{width}-{scheme}.png"))
    context.close()
    assert wrong == []


def test_a_row_opens_beside_the_list_and_has_its_own_address(page: Page) -> None:
    settle(page, "/desk/worklist")
    page.get_by_role("link", name="Commit weeks 49–52").click()
    page.locator("#panel h2").wait_for()
    assert page.url.endswith("?open=0")
    assert page.locator(".due.is-selected").count() == 1
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.get_by_role("link", name="Countersign").first.click()
    page.wait_for_url("**?open=1")
    page.go_back()
    page.locator("#panel h2", has_text="Commit weeks").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert page.url.endswith("/desk/worklist")


def test_a_number_opens_its_explanation_beside_the_page(page: Page) -> None:
    settle(page, "/desk/worklist")
    page.locator(".stat a.opens").first.click()
    page.locator("#panel .formula").wait_for()
    assert page.url.endswith("/desk/worklist")
    page.locator("#panel tw-grid.is-ready").wait_for()


def test_search_is_one_key_away(page: Page) -> None:
    settle(page, "/desk/empty")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "jump"


def test_theme_is_chosen_once_and_kept(page: Page) -> None:
    settle(page, "/desk/charts")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before


def cell(page: Page, row: int, field: str) -> str:
    return f".ag-row[row-index='{row}'] [col-id='{field}']"


def test_cells_are_marked_summed_and_copied_like_in_a_spreadsheet(page: Page) -> None:
    settle(page, "/desk/grid")
    page.locator(cell(page, 0, "d0")).click()
    page.locator(cell(page, 2, "c0")).click(modifiers=["Shift"])
    expected = sum(2 * (300 + (line * 37) % 700) for line in range(3))
    assert f"6 cells, sum {expected:,}" in page.locator(".grid-foot").inner_text()
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "300\t300\n337\t337\n374\t374"


def test_a_pasted_block_goes_into_editable_cells_and_can_be_undone(page: Page) -> None:
    settle(page, "/desk/grid")
    page.evaluate("navigator.clipboard.writeText('11\\t1,200\\r\\n12\\tmany')")
    page.locator(cell(page, 0, "d1")).click()
    page.keyboard.press("Control+v")
    changes = page.locator("input[name='commit.changes']")
    assert json.loads(changes.input_value()) == [{"row": 0, "field": "c1", "value": 1200}]
    assert "many is not a number" in page.locator(".grid-foot").inner_text()
    assert page.locator(cell(page, 0, "d1")).inner_text() == "391"
    page.keyboard.press("Control+z")
    assert json.loads(changes.input_value()) == []


def test_typing_fill_down_and_send(page: Page) -> None:
    settle(page, "/desk/grid")
    page.locator(cell(page, 0, "c1")).dblclick()
    page.keyboard.type("500")
    page.keyboard.press("Enter")
    page.locator(cell(page, 0, "c1")).click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Control+d")
    assert "3 changed" in page.locator("[data-changes]").inner_text()
    page.get_by_role("button", name="Commit: Northwind is told at once").click()
    assert '{"row":2,"field":"c1","value":500}' in page.locator(".lead").inner_text()


def test_frozen_cells_do_not_change(page: Page) -> None:
    settle(page, "/desk/grid")
    page.locator(cell(page, 0, "c0")).click()
    page.evaluate("navigator.clipboard.writeText('1')")
    page.keyboard.press("Control+v")
    assert page.locator("input[name='commit.changes']").input_value() == "[]"


def test_of_a_hundred_thousand_rows_the_first_are_there_at_once_and_all_can_be_searched(page: Page) -> None:
    page.goto("/desk/big?n=100000")
    page.locator(".ag-row").first.wait_for()
    page.locator(".grid-count").get_by_text("100,000 rows", exact=True).wait_for()
    started = time.monotonic()
    page.get_by_label("Search in this table").fill("4510099999")
    page.locator(".grid-count", has_text="1 of 100,000 rows").wait_for()
    assert time.monotonic() - started < 5


def test_the_export_of_a_grid_is_a_workbook(page: Page) -> None:
    settle(page, "/desk/big?n=50")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "orders.xlsx"


def test_the_threshold_is_moved_by_keyboard_and_becomes_the_address(page: Page) -> None:
    settle(page, "/desk/charts")
    page.evaluate("addEventListener('tw:threshold', (event) => { window.heard = event.detail; })")
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**?limit=30.5")
    assert page.evaluate("window.heard") == {"parameter": "limit", "value": 30.5}
    assert "Premium: 81" in page.locator(".threshold-values").inner_text()


def test_the_threshold_is_dragged_in_the_picture(page: Page) -> None:
    settle(page, "/desk/charts")
    box = page.locator("tw-chart[kind=coverage] .chart-draw")
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 100)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.75, place["y"] + 100, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("limit="))
    limit = float(page.url.rpartition("limit=")[2])
    assert 65 < limit < 85


@pytest.mark.parametrize("kind", ["bar", "waterfall", "pareto", "coverage"])
def test_every_chart_can_be_read_as_a_table(page: Page, kind: str) -> None:
    settle(page, "/desk/charts")
    chart = page.locator(f"tw-chart[kind={kind}]").first
    chart.get_by_role("button", name="Show as table").click()
    assert chart.locator("table tbody tr").count() >= 6
    chart.get_by_role("button", name="Show as chart").click()
    assert chart.locator("svg").is_visible()


def test_the_studio_shows_the_consequence_while_typing(page: Page) -> None:
    settle(page, "/desk/studio")
    with page.expect_response("**/consequence") as answer:
        page.get_by_label("Volume threshold for Core").fill("5000")
    assert answer.value.status == 200
    page.locator("#consequence tw-chart.is-ready svg").wait_for()


def test_a_list_grows_and_shrinks_by_keyboard_and_is_sent_as_text(page: Page) -> None:
    settle(page, "/desk/studio")
    page.locator("tw-rows.is-ready").wait_for()
    text = page.locator("textarea[name=grades]")
    assert text.is_hidden()
    page.get_by_label("From, row 2").press("Enter")
    with page.expect_response("**/consequence"):
        page.keyboard.type("best, of all")
        page.keyboard.press("Tab")
        page.keyboard.type("99")
        page.keyboard.press("Tab")
        page.keyboard.press("End")
    assert text.input_value() == "poor, 0, 60\ngood, 60, 100\nbest  of all, 99, 100"
    page.get_by_role("button", name="Remove row 1").press("Enter")
    assert text.input_value() == "good, 60, 100\nbest  of all, 99, 100"
    assert page.evaluate("document.activeElement.ariaLabel") == "Grade, row 1"
    page.get_by_role("button", name="Add a row").click()
    assert page.evaluate("document.activeElement.ariaLabel") == "Grade, row 3"
    assert text.input_value() == "good, 60, 100\nbest  of all, 99, 100", "an empty row says nothing"


def test_without_scripts_the_same_list_is_a_text(browser: Browser, preview: str) -> None:
    context = browser.new_context(base_url=preview, java_script_enabled=False)
    page = context.new_page()
    page.goto("/desk/studio")
    assert page.get_by_label("Grades").input_value() == "poor, 0, 60\ngood, 60, 100"
    context.close()


def test_what_cannot_be_undone_is_asked_first(page: Page) -> None:
    settle(page, "/desk/record")
    page.get_by_role("button", name="Countersign").click()
    dialog = page.get_by_role("dialog")
    assert "both companies are bound" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert page.url.endswith("/desk/record")
    page.get_by_role("button", name="Countersign").click()
    page.get_by_role("dialog").get_by_role("button", name="Countersign").click()
    page.wait_for_url("**/posted")


def test_a_grid_becomes_cards_on_a_phone(browser: Browser, preview: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=preview)
    page = context.new_page()
    settle(page, "/desk/grid")
    page.locator("tw-grid input.card-input").first.fill("44")
    page.keyboard.press("Tab")
    assert json.loads(page.locator("input[name='commit.changes']").input_value()) == [
        {"row": 0, "field": "c1", "value": 44}
    ]
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Scorecards").click()
    page.wait_for_url("**/desk/heatmap")
    context.close()


def test_a_part_that_cannot_be_fetched_says_so_and_offers_another_try(failing: Page) -> None:
    failing.route(re.compile(r"/assets/element-"), lambda route: route.abort())
    failing.goto("/desk/grid")
    failed = failing.locator("tw-grid [role=alert]").first
    failed.get_by_text("This could not be loaded").wait_for()
    failing.unroute_all()
    failed.get_by_role("button", name="Try again").click()
    failing.locator("tw-grid.is-ready").first.wait_for()


def test_a_consequence_that_does_not_arrive_is_said(failing: Page) -> None:
    settle(failing, "/desk/studio")
    failing.route("**/consequence", lambda route: route.abort())
    failing.get_by_label("Volume threshold for Core").fill("5000")
    failed = failing.locator("#consequence [role=alert]")
    failed.get_by_text("This could not be loaded").wait_for()
    failing.unroute_all()
    failed.get_by_role("button", name="Try again").click()
    failed.wait_for(state="detached")


def test_on_paper_every_row_of_a_grid_stands(page: Page) -> None:
    settle(page, "/desk/big?n=300")
    page.emulate_media(media="print")
    page.locator("table.paper").wait_for()
    assert page.locator("table.paper tbody tr").count() == 300
    assert not page.locator(".grid-body").is_visible()
    assert not page.locator(".rail").is_visible()
    page.emulate_media(media="screen")
    page.locator("table.paper").wait_for(state="detached")
    assert page.locator(".grid-body").is_visible()
