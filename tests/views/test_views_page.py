"""The HTML page of a survey, in a real Chromium where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.chromium import MISSING, Page, browser, find
from support.view_survey import KEY, OLD, RICH, SCRIPT, many, ordinary

from cmkctl.clock import SystemClock
from cmkctl.posture import Survey
from cmkctl.views import shown as s
from cmkctl.views.posture.html import HtmlView
from cmkctl.views.posture.picture import MOST_KEYS, MOST_USERS, picture_of

CHROMIUM = find()


def page_of(folder: Path, survey: Survey = RICH, *, single: bool = True) -> Path:
    """Write the page of a survey."""
    path = folder / "posture.html"
    view = HtmlView(path, f"cmkctl posture --workspace '{SCRIPT}'", SystemClock())
    view.show(s.RunContext(sandbox=True, account=SCRIPT))
    view.show(s.PostureShown(survey, single))
    view.write(0)
    return path


class Tags(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += f"{data} "


def test_a_page_is_one_file_without_scripts(tmp_path: Path) -> None:
    """No script, no address of anything to load, no handler of events; names are text."""
    page = Tags(page_of(tmp_path).read_text(encoding="utf-8"))

    names = {tag for tag, _ in page.tags}
    attributes = {name for _, found in page.tags for name in found}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "a", "use", "image"}
    assert not [each for each in attributes if each.startswith("on") or each in ("src", "href", "style", "srcset")]
    assert 4 <= page.text.count(SCRIPT)
    assert "\u202e" not in page.text
    assert "evil\\u202egnp.exe" in page.text


def test_a_page_shows_everything(tmp_path: Path) -> None:
    """Each resource with its evidence, rules, waivers, what could not be seen and what was left out."""
    text = " ".join(Tags(page_of(tmp_path).read_text(encoding="utf-8")).text.split())

    for each in RICH.assessments:
        assert each.resource_id.replace("\u202e", "\\u202e") in text
        assert each.posture.reason in text
        assert {one.path in text for one in each.posture.evidence} == {True}
    wanted = [
        *(f"{each.resource_id} {each.reason}" for each in RICH.unseen),
        *RICH.left_out,
        "waived",
        "2027-01-31",
        "queues and tables with Microsoft's key pass",
        "6fac406b-40ca-413b-bf8e-0bf964659c25",
        "by analogy",
        "DP-3",
        "SANDBOX (not Azure)",
        "Of 3 expected, 1 met, 1 waived, 1 not met.",
    ]
    assert [] == [each for each in wanted if each not in text]


def test_a_picture_leads_from_the_vault_to_the_resource() -> None:
    """Vault, key, version, resource; a part with another key is a resource of its own, and every box is joined."""
    picture = picture_of(ordinary())

    assert [
        ("! Application Insights appi-mlw-prod-46c2c4d7", "warn"),
        ("! storage account stdata", "warn"),
        ("! storage account stdata: queue", "warn"),
        ("! storage account stmlwprod46c2c4d7", "warn"),
        ("- key vault kv-mlw-prod-46c2c4d7", "none"),
        ("01234567", "version"),
        ("Microsoft's keys", "lane"),
        ("cmk-ml", "key"),
        ("fedcba98", "version"),
        ("kv-ml-01", "vault"),
        ("no choice of a key", "lane"),
        ("✓ workspace mlw-prod", "good"),
    ] == sorted((each.text, each.kind) for each in picture.nodes)
    assert len(picture.nodes) - 3 == len(picture.edges)  # a vault and two lanes have nothing to their left
    assert {KEY, OLD, "kv-ml-01.vault.azure.net"} < {each.title for each in picture.nodes}
    right = {(each.x + each.width, each.y + each.height / 2): each.text for each in picture.nodes}
    left = {(each.x, each.y + each.height / 2): each.text for each in picture.nodes}
    joined = {(right[each.x1, each.y1], left[each.x2, each.y2]) for each in picture.edges}
    assert {
        ("kv-ml-01", "cmk-ml"),
        ("cmk-ml", "01234567"),
        ("cmk-ml", "fedcba98"),
        ("01234567", "✓ workspace mlw-prod"),
        ("fedcba98", "! storage account stdata"),
        ("Microsoft's keys", "! storage account stmlwprod46c2c4d7"),
        ("Microsoft's keys", "! storage account stdata: queue"),
        ("Microsoft's keys", "! Application Insights appi-mlw-prod-46c2c4d7"),
        ("no choice of a key", "- key vault kv-mlw-prod-46c2c4d7"),
    } == joined


def test_a_picture_of_thousands_is_limited() -> None:
    """By service, with the keys of most resources; what is missing is stated."""
    survey = many(200)
    found = [each for each in survey.assessments if each.posture.key]
    keys = tuple(
        replace(each, posture=replace(each.posture, key=f"{each.posture.key}-{number % 40}"))
        for number, each in enumerate(found)
    )
    picture = picture_of(replace(survey, assessments=keys))

    assert MOST_KEYS == sum(each.kind == "key" for each in picture.nodes)
    assert 4 * MOST_USERS > len(picture.nodes)
    assert (
        "The 900 resources are grouped by service.",
        f"12 of {len({each.posture.key for each in keys})} keys are shown, those with the most resources; the table has all.",
    ) == picture.notes


def test_a_page_of_thousands_is_folded(tmp_path: Path) -> None:
    """Each workspace by itself; a short list of what is not as expected, with the rest behind it."""
    page = Tags(page_of(tmp_path, many(60, 1), single=False).read_text(encoding="utf-8"))

    groups = [found for tag, found in page.tags if tag == "details" and found.get("class") == "group"]
    assert (60, 0) == (len(groups), sum("open" in each for each in groups))
    assert "5 more" in page.text


# --- in a browser

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Page]:
    """Provide a browser."""
    with browser(str(CHROMIUM)) as page:
        yield page


@pytest.fixture
def opened(chromium: Page, tmp_path: Path) -> Page:
    """Provide the page of a survey, in the browser."""
    chromium.media()
    chromium.open(page_of(tmp_path))
    return chromium


@needs_chromium
@pytest.mark.slow
def test_a_browser_loads_the_file_alone(opened: Page) -> None:
    """No other request, nothing to complain about, no script that ran; and hostile names are in no element of their own."""
    opened.evaluate("new Promise(done => setTimeout(done, 50))")

    assert 1 == len(opened.requests())
    assert [] == opened.complaints()
    assert [0, 0, 0] == opened.evaluate("[document.images.length, document.scripts.length, document.links.length]")


@needs_chromium
@pytest.mark.slow
def test_a_script_in_the_page_would_not_run(chromium: Page, tmp_path: Path) -> None:
    """The page forbids scripts for itself, should one ever come into it."""
    path = page_of(tmp_path)
    text = path.read_text(encoding="utf-8")
    planted = "<script>window.ran = true</script><img src=x onerror='window.ran = true'></main>"
    path.write_text(text.replace("</main>", planted), encoding="utf-8")

    chromium.open(path)

    assert chromium.evaluate("window.ran === undefined")
    assert re.search("Content Security Policy", str(chromium.complaints()))


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["screen", "print"])
def test_every_text_is_readable(opened: Page, scheme: str, kind: str) -> None:
    """In light, in dark and on paper: contrast of 4.5 to 1, the picture included."""
    opened.media(kind, scheme)

    poor = opened.evaluate(CONTRAST)

    assert [] == poor
    paper = "rgb(13, 17, 23)" if (kind, scheme) == ("screen", "dark") else "rgb(255, 255, 255)"
    assert paper == opened.evaluate("getComputedStyle(document.body).backgroundColor")


@needs_chromium
@pytest.mark.slow
def test_the_page_fits_in_a_narrow_window(opened: Page) -> None:
    """Of a phone: wide tables and the picture scroll by themselves. No text leaves its box in the picture."""
    opened.media("screen", width=390)
    assert 390 >= opened.evaluate("document.documentElement.scrollWidth")
    opened.media("screen", width=1280)
    assert [] == opened.evaluate(OVERFLOW)


@needs_chromium
@pytest.mark.slow
def test_the_evidence_is_on_paper(opened: Page) -> None:
    """Folded on the screen, unfolded in print."""
    visible = "[...document.querySelectorAll('.proof')].filter(each => each.checkVisibility()).length"

    assert 0 == opened.evaluate(visible)
    opened.media("print")
    assert len(RICH.assessments) == opened.evaluate(visible)


CONTRAST = """
(() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const behind = element => {
    if (element.tagName === 'text') return numbers(getComputedStyle(element.previousElementSibling).fill);
    for (let each = element; each; each = each.parentElement) {
      const found = numbers(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const each of document.querySelectorAll('body *')) {
    if (each.closest('title, style') || ![...each.childNodes].some(one => one.nodeType === 3 && one.data.trim())) continue;
    const style = getComputedStyle(each);
    const front = light(numbers(each.tagName === 'text' ? style.fill : style.color)), back = light(behind(each));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) poor.push([each.tagName, each.className.toString(), ratio]);
  }
  return poor;
})()
"""
"""The elements with text whose contrast is below that of WCAG 2.2, level AA, with the contrast."""

OVERFLOW = """
[...document.querySelectorAll('svg.picture g')].filter(each => {
  const text = each.querySelector('text').getBBox(), box = each.querySelector('rect').getBBox();
  return text.x + text.width > box.x + box.width;
}).map(each => each.textContent)
"""
"""The boxes of the picture whose text is wider than they are."""
