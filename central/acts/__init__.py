"""What people do to the books, through whatever face: the command line, pages, the interface.

One function an act: it checks everything, does it and writes it down (`central.store.audit`), all
in the caller's transaction. What cannot be done is a value, `central.store.ledger.Refused`, in
words for people. Secrets are hashed before: an act never takes long.
"""
