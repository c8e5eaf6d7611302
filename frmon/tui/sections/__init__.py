"""What the detail shows of a coin below its legs: pure functions from what is known to lines of pieces. Whatever a venue
said stands at the end of its line, since only the screen knows how wide it is."""
