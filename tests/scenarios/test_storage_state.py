"""S63 for the state directory: what was spent of the limits cannot be written down. It is said as long as that lasts."""

from pathlib import Path

from frmon.budgets import UNWRITTEN, WRITTEN
from tests.scenarios.stand import stand


async def test_s63_a_state_directory_that_cannot_be_written_to_is_told_until_it_can(tmp_path: Path) -> None:
    """A file lies where the directory should be made: a full disk refuses the same way."""
    state = tmp_path / "state"
    state.write_text("in the way")
    async with stand("okx", "bybit", state_dir=state) as s:
        assert s.events(UNWRITTEN)
        await s.lasts(70, lambda: UNWRITTEN in s.words() and any(UNWRITTEN in n for n in s.picture()["notices"]))
        assert len(s.events(UNWRITTEN)) <= 2, "no more rows for it, however long it lasts"
        state.unlink()
        await s.within(10, lambda: s.events(WRITTEN))
        assert (state / "budgets.json").exists()
        await s.within(31, lambda: UNWRITTEN not in s.words())
        await s.still()
