"""The centre's pages for administrators and people: made of templates, usable without scripts.

A page is a line in a table (`table.Page`) of one of the `routes_…` modules, which `every` lists.
Its endpoint gets a `Visit` and returns an answer; what it shows is a frozen view, what it does is
an act of `central.acts`.
"""
