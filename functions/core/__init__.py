"""Pure core: readings, worker state, contracts, the horizon. No clock, no environment, no cloud."""
