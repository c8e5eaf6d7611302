"""What other programs ask a running engine by HTTP: the routes, who may use them, and the stream."""
