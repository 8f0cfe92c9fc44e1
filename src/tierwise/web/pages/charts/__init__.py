"""Pictures: what is drawn, over which axis and in which unit. Each can also be read as a table."""

from tierwise.web.pages.charts.chart import Axis, Chart, Mark, Series, Values
from tierwise.web.pages.charts.curves import BarChart, CoverageCurve, LineChart
from tierwise.web.pages.charts.heat import HeatCell, HeatMap
from tierwise.web.pages.charts.parts import Pareto, Step, Waterfall
from tierwise.web.pages.charts.places import Hazard, Link, Map, Site
from tierwise.web.pages.charts.timelines import Timeline, TimelineEntry

__all__ = [
    "Axis",
    "BarChart",
    "Chart",
    "CoverageCurve",
    "Hazard",
    "HeatCell",
    "HeatMap",
    "LineChart",
    "Link",
    "Map",
    "Mark",
    "Pareto",
    "Series",
    "Site",
    "Step",
    "Timeline",
    "TimelineEntry",
    "Values",
    "Waterfall",
]
