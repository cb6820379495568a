"""All pages about people, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages import (
    routes_groups,
    routes_guests,
    routes_imports,
    routes_people,
    routes_person,
    routes_person_acts,
    routes_person_in,
    routes_register,
    routes_search,
    routes_staff,
)

if TYPE_CHECKING:
    from central.web.pages.table import Page

PAGES: Final[tuple[Page, ...]] = (
    *routes_people.PAGES,
    *routes_imports.PAGES,
    *routes_guests.PAGES,
    *routes_register.PAGES,
    *routes_groups.PAGES,
    *routes_person_acts.PAGES,
    *routes_person_in.PAGES,
    *routes_person.PAGES,
    *routes_search.PAGES,
    *routes_staff.PAGES,
)
