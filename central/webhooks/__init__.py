"""Telling other programs what happened: signed messages over HTTPS, in order, until they answer."""
