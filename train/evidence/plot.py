"""The differences and their intervals as one SVG: a line for every arm of every regime; classic augmentation is at 0."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from train.evidence.statistics import POINTS

__all__ = ["plot"]

ARMS = {"nothing": "#8a847d", "oversampling": "#8a847d", "mixup": "#8a847d", "gan": "#c98f2b", "classic + gan": "#c1623f"}
LEFT, WIDTH, LINE, TOP = 330, 760, 20, 46  # px
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)  # points between two marks of the axis


def plot(table: dict[str, Any]) -> str:
    """SVG of ``against_classic`` of every regime that ``report.as_json`` gave."""
    points = lambda values: [None if v is None else POINTS * v for v in values]  # noqa: E731
    rows = [(f"{regime['title']}: {arm}", points(regime["against_classic"][arm]), colour)
            for regime in table["regimes"] for arm, colour in ARMS.items() if arm in regime["against_classic"]]
    ends = [v for _, values, _ in rows for v in values if v is not None] or [0.0]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = (high - low or 1) * 0.05
    low, high = low - room, high + room
    x = lambda points: LEFT + (points - low) / (high - low) * (WIDTH - LEFT - 20)  # noqa: E731
    height = TOP + LINE * len(rows) + 40
    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width=str(WIDTH),
                     height=str(height))
    ET.SubElement(svg, "rect", width="100%", height="100%", fill="#ffffff")
    style = {"font-family": "sans-serif", "font-size": "12", "fill": "#23201d"}
    _text(svg, 10, 22, "Balanced accuracy less that of tuned classic augmentation: points, 95 % intervals", style)
    step = next((s for s in STEPS if (high - low) / s <= 8), STEPS[-1])
    for k in range(int(low // step) + 1, int(high // step) + 1):
        _line(svg, x(k * step), TOP - 8, x(k * step), height - 30, "#23201d" if k == 0 else "#e4e0da")
        _text(svg, x(k * step), height - 14, f"{k * step:+g}" if k else "classic", {**style, "text-anchor": "middle"})
    for k, (name, (mean, first, last), colour) in enumerate(rows):
        y = TOP + LINE * k + LINE / 2
        _text(svg, LEFT - 12, y + 4, name, {**style, "text-anchor": "end"})
        if first is not None:
            _line(svg, x(first), y, x(last), y, colour, "2")
        ET.SubElement(svg, "circle", cx=f"{x(mean):.1f}", cy=f"{y:.1f}", r="4", fill=colour)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float, colour: str, width: str = "1") -> None:
    ET.SubElement(svg, "line", {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}", "stroke": colour,
                                "stroke-width": width})


def _text(svg: ET.Element, x: float, y: float, text: str, style: dict[str, str]) -> None:
    ET.SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", **style}).text = text
