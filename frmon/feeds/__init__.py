"""From the venues' sockets to ticks."""
