"""What a chart looks like, as far as a parser can tell."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.bench.plot import Chart, Point, ceiling, page

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart("cost & more", "viewers", "us", [Point("50", 4.0), Point("100", 2.0, marked=True)])


def test_a_page_is_xml_with_every_figure_and_label() -> None:
    root = ElementTree.fromstring(page([CHART], note="hollow: with a reservation"))
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"cost & more", "viewers", "50", "100", "4", "2", "hollow: with a reservation"} <= texts


def test_a_marked_point_is_hollow_and_a_higher_value_stands_higher() -> None:
    root = ElementTree.fromstring(page([CHART]))
    first, second = root.iter(f"{SVG}circle")
    assert first.get("fill") != second.get("fill") == "#ffffff"
    assert float(first.get("cy", "")) < float(second.get("cy", ""))


def test_charts_stand_in_rows() -> None:
    root = ElementTree.fromstring(page([CHART] * 3, columns=2))
    places = [group.get("transform") for group in root.iter(f"{SVG}g")]
    assert places == ["translate(0 0)", "translate(420 0)", "translate(0 260)"]


@pytest.mark.parametrize(
    ("most", "top"),
    [(4.4, 5.0), (0.7, 0.8), (100.0, 150.0), (173.0, 200.0), (9.0, 10.0), (86.0, 100.0)],
)
def test_the_scale_ends_at_a_round_number_above_all(most: float, top: float) -> None:
    assert ceiling([0.1, most]) == pytest.approx(top)
