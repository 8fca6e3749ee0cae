"""The charts show what was measured, and the page shows the charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from benchmarks import charts, results

PAGE = charts.FOLDER.parent / "performance.md"
ROW = {"goal": "P1", "what": "a & b", "unit": "x", "is_met": True}


@pytest.mark.parametrize(
    ("wanted", "reached", "share"),
    [
        (">= 0.5 x", 0.25, 0.5),
        (">= 15,000 /s", 30_000, 2.0),
        ("<= 750", 1_500, 0.5),
        (">= 95%", 0.95, 1.0),
        ("reported", 1.0, None),
    ],
)
def test_a_bar_is_the_share_of_the_goal(wanted, reached, share):
    assert charts.share_of({**ROW, "wanted": wanted, "reached": reached}) == share


def test_a_chart_is_sound_xml_with_a_bar_for_each_row():
    rows = [{**ROW, "wanted": ">= 1 x", "reached": reached} for reached in (0.5, 9.0)]
    drawn = ET.fromstring(charts.chart("P1", rows))
    bars = [e for e in drawn.iter() if e.tag.endswith("rect") and e.get("height") == "14"]
    assert [bar.get("width") for bar in bars] == ["180.0", "540.0"]


def test_charts_are_current_and_each_is_on_the_page():
    assert charts.stale() == []
    page = PAGE.read_text()
    assert all(f"charts/{name}" in page for name in charts.charts())


def test_a_changed_figure_makes_its_chart_stale(tmp_path, monkeypatch):
    changed = tmp_path / "figures.json"
    changed.write_text(results.FIGURES.read_text().replace('"is_met": true', '"is_met": false'))
    monkeypatch.setattr(charts, "FIGURES", changed)
    assert charts.stale() != []
