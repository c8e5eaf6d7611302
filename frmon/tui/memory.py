"""What of the view is remembered from one start to the next. Pure."""

from collections.abc import Iterable, Mapping

from frmon.tui.columns import Named, row_columns
from frmon.tui.fundingcolumns import funding_columns
from frmon.tui.state import State
from frmon.tui.view import Sheet, View

PRICES, FUNDING = "prices", "funding"


def make_view(venues: Iterable[Named], codes: Mapping[str, str], state: State) -> View:
    """The view of these venues as the user left it."""
    venues = tuple(venues)
    prices, funding = Sheet(PRICES, row_columns(venues), "net"), Sheet(FUNDING, funding_columns(venues), "diff")
    view = View((prices, funding), codes)
    for sheet, sort, reverse in (
        (prices, state.sort, state.reverse),
        (funding, state.funding_sort, state.funding_reverse),
    ):
        sheet.sort = sort if sheet.can_sort(sort) else sheet.sort
        sheet.reverse = reverse
    view.sheet = view.sheets.get(state.view, prices)
    view.pins = set(state.pins)
    view.only_pins = state.only_pins and bool(state.pins)
    view.only_wide = state.only_wide
    view.set_filter(state.filter)
    return view


def state_of(view: View, columns: list[str]) -> State:
    """What is worth remembering of a view; `columns`: those that the user chose."""
    prices, funding = view.sheets[PRICES], view.sheets[FUNDING]
    return State(
        view=view.sheet.name,
        sort=prices.sort,
        reverse=prices.reverse,
        funding_sort=funding.sort,
        funding_reverse=funding.reverse,
        filter=view.filter.text,
        pins=sorted(view.pins),
        only_pins=view.only_pins,
        only_wide=view.only_wide,
        columns=columns,
    )
