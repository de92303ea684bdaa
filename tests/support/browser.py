"""Chromium, without a window: what it makes of pages, and what it complains of."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_MEASURE = """
const frames = [...document.querySelectorAll('iframe')];
function measured(frame) {
  const page = frame.contentDocument, root = page.documentElement;
  const texts = [...page.querySelectorAll('svg .piece text')];
  const over = texts.filter(text => {
    const group = text.parentNode, box = group.querySelector('rect').getBBox(), at = text.getBBox();
    const others = [...group.querySelectorAll('text')].filter(other => other !== text).map(other => other.getBBox());
    const meets = other => at.x < other.x + other.width && other.x < at.x + at.width && Math.abs(at.y - other.y) < 8;
    return at.x < box.x || at.x + at.width > box.x + box.width || others.some(meets);
  });
  const names = [...page.querySelectorAll('tbody th:not(.bytes th)')].map(name => name.getBoundingClientRect().width);
  const svg = page.querySelector('figure svg');
  return {
    width: root.clientWidth, needed: root.scrollWidth, title: page.title, scripts: page.scripts.length,
    marked: getComputedStyle(page.body).maxWidth, headings: [...page.querySelectorAll('h2')].map(h => h.textContent),
    picture: svg ? svg.getBoundingClientRect().height : 0, over: over.map(text => text.textContent),
    narrowest: Math.min(...names.filter(width => width), 1000),
  };
}
window.onload = () => {
  document.querySelector('output').textContent =
    JSON.stringify(Object.fromEntries(frames.map(frame => [frame.name, measured(frame)])));
};
"""


@cache
def find() -> str | None:
    """Return the browser's program; None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def why_no_browser() -> str | None:
    return None if find() else "no Chromium is installed (Debian: chromium)"


def measure(pages: Mapping[str, tuple[str, int]], directory: Path) -> tuple[dict[str, Any], list[str]]:
    """Open pages, each in a frame of its width; return what each measures, and what the browser complains of."""
    frames = "".join(
        f'<iframe name="{name}" style="width:{width}px;height:600px;border:0" srcdoc="{escape(page)}"></iframe>'
        for name, (page, width) in pages.items()
    )
    document = directory / "frames.html"
    document.write_text(
        f"<!doctype html><meta charset=utf-8>{frames}<output></output><script>{_MEASURE}</script>"
    )
    done = subprocess.run(
        [
            *(find() or "", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *(f"--user-data-dir={directory}/profile", "--dump-dom", document.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = re.search("<output>(.*)</output>", done.stdout)
    assert found, done.stderr
    return json.loads(unescape(found.group(1))), [
        line for line in done.stderr.splitlines() if "CONSOLE" in line
    ]
