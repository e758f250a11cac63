"""The report in a real browser."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope="module")
def page(evaluated) -> str:
    return evaluated.paths[2].read_text(encoding="utf-8")


def test_it_loads_nothing(page) -> None:
    assert "default-src 'none'" in page
    sources = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"url\((?!#|data:)", page)


def test_it_says_what_is_in_it(page) -> None:
    for text in ("one", "two", "decoy: blurred", "geometric_rmse_1", "Not measured", "nst3d eval"):
        assert text in page
    assert page.count("<svg") >= 5
    assert page.count('class="pair"') == 2 * 3


def test_a_browser_opens_it_without_an_error_or_a_request(evaluated, browse) -> None:
    assert "decoy: one colour" in browse(evaluated.paths[2])
