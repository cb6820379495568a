"""Pure prices, accounts and decisions: no clock, no disk, no network; money is integers."""
