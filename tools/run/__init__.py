"""`make run`: the real node on a simulated board, a broker, a bad network and a judge."""
