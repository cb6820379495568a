"""The books: coordinator, ledger, store and web interface of the organisation."""
