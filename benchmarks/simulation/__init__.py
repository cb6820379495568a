"""A simulator of a year of printing on sites that are cut off now and then, in virtual time."""
