"""Host programs (CPython): the simulated board, the network proxy, the running demonstration."""
