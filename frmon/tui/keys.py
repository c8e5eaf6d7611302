"""The keys of the desk, as the help lists them."""

from textual.binding import Binding, BindingType

DESK: list[BindingType] = [
    Binding("1", "sheet('prices')", "prices and spreads", id="view.prices"),
    Binding("2", "sheet('funding')", "funding, venue by venue", id="view.funding"),
    Binding("s", "sort_menu", "choose the column to sort by", id="sort.menu"),
    Binding("<", "sort_step(-1)", "sort by the column to the left", id="sort.left"),
    Binding(">", "sort_step(1)", "sort by the column to the right", id="sort.right"),
    Binding("r", "reverse", "the other way round", id="sort.reverse"),
    Binding("/", "app.filter", "filter while you type; ! means not", id="filter", priority=True),
    Binding("o", "only_wide", "only opportunities: gross spread of 0.1 % or more", id="opportunities"),
    Binding("p", "pause", "pause the picture; the feeds go on", id="pause"),
    Binding("space", "pin", "pin the coin to the top, or unpin it", id="pin"),
    Binding("F", "only_pins", "only pinned coins", id="pins.only"),
    Binding("enter", "open", "open or close the detail of the coin", id="detail"),
    Binding("e", "enlarge", "the detail over the whole screen, and back", id="detail.enlarge"),
    Binding("c", "chart", "charts: spread, price, funding, none", id="chart"),
    Binding("[", "chart_span(-1)", "a shorter time in the chart: down to 15 min", id="chart.shorter"),
    Binding("]", "chart_span(1)", "a longer time in the chart: up to 7 days", id="chart.longer"),
    Binding("S", "signals", "show or hide the signals", id="signals"),
    Binding("R", "redial", "dial again what is not live", id="redial"),
    Binding("tab", "app.focus_next", "table, detail, signals", id="focus.next"),
    Binding("shift+tab", "app.focus_previous", "the other way", id="focus.previous"),
    Binding("escape", "back", "one step back; never quits", id="back"),
]
