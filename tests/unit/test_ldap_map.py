"""Promises of the map from entries to people: of OpenLDAP, of Active Directory, and odd ones."""

from __future__ import annotations

from uuid import UUID

import pytest

from broker.directory import card_names
from central.importing.ldap_map import Entry, first_value, mapped, plain_dn, shape_of
from config.settings_directory_services import LdapSettings

GUID = UUID("3b7c1f2e-5a64-4d0f-9b1a-0c6f2d8e7a51")


def settings(**given: object) -> LdapSettings:
    """Return settings of a service."""
    always = {"name": "school", "url": "ldaps://directory.example.org", "base": "dc=example,dc=org"}
    return LdapSettings.model_validate(always | given)


def entry(dn: str, **attributes: bytes | list[bytes]) -> Entry:
    """Return an entry, its attributes in lower case."""
    return Entry(
        dn,
        {
            name.lower(): [value] if isinstance(value, bytes) else value
            for name, value in attributes.items()
        },
    )


def test_openldaps_people_and_their_groups() -> None:
    """Groups name their members by entry or by user name, in any spelling of the name."""
    ana = entry(
        "uid=Ana, ou=People,dc=example,dc=org",
        uid=b"Ana",
        cn="José A.".encode(),
        mail=b"A@Example.org",
        departmentNumber=b"Art",
        entryUUID=b"u-1",
    )
    groups = [
        entry(
            "cn=staff,dc=example,dc=org",
            cn=b"staff",
            member=[b"uid=ana,ou=people,dc=example,dc=org"],
        ),
        entry("cn=chess,dc=example,dc=org", cn=b"chess", member=[b"ana"]),
        entry(
            "cn=other,dc=example,dc=org",
            cn=b"other",
            member=[b"uid=ben,ou=people,dc=example,dc=org"],
        ),
    ]
    (read,) = mapped([ana], groups, shape_of(settings())).wanted
    assert (read.name, read.display, read.email) == ("ana", "José A.", "a@example.org")
    assert (read.department, read.source_id, read.groups) == ("Art", "u-1", ("chess", "staff"))
    assert read.cards is None


def test_active_directorys_people() -> None:
    """The GUID is read as Windows writes it; who is disabled is shut out; groups by their name."""
    row = entry(
        "CN=Ana,DC=example",
        sAMAccountName=b"ASilva",
        displayName=b"Ana Silva",
        objectGUID=GUID.bytes_le,
        userAccountControl=b"514",
        memberOf=[rb"CN=Staff\, North,OU=Groups,DC=example", b"CN=Printers,OU=IT,DC=example"],
    )
    shape = shape_of(settings(preset="active-directory", groups={"base": "ou=groups,dc=example"}))
    (read,) = mapped([row], [], shape).wanted
    assert (read.name, read.source_id, read.enabled) == ("asilva", str(GUID), False)
    assert read.groups == ("Staff, North",)


def test_an_entry_without_a_name_is_refused_and_still_known() -> None:
    """So that a wrong entry does not shut its person out."""
    told = mapped([entry("cn=x", cn=b"X", entryUUID=b"u-1")], [], shape_of(settings()))
    assert told.wanted == ()
    assert [(each.where, each.source_id) for each in told.refusals] == [("cn=x", "u-1")]


def test_an_entry_without_an_id_is_refused() -> None:
    """By its user name alone, the next of that name would inherit."""
    told = mapped([entry("uid=ana", uid=b"ana")], [], shape_of(settings()))
    assert "entryUUID" in told.refusals[0].why


def test_cards_are_keys_at_once() -> None:
    """Numbers stand in no plan, log or record."""
    row = entry("uid=ana", uid=b"ana", entryUUID=b"1", badge=[b" 04a2 ", b""])
    shape = shape_of(settings(attributes={"cards": "badge"}))
    (read,) = mapped([row], [], shape, card_key=bytes(32)).wanted
    assert read.cards == (card_names("04A2", bytes(32)),)


def test_settings_win_over_the_preset() -> None:
    """Attributes, filter and groups as they are called there."""
    given = {"attributes": {"name": "employeeNumber"}, "groups": {"by": "none"}, "filter": "(a=b)"}
    shape = shape_of(settings(**given))
    assert (shape.name, shape.filter, shape.groups_by) == ("employeeNumber", "(a=b)", "none")
    assert "memberOf" not in shape.asked


@pytest.mark.parametrize(
    ("dn", "value"),
    [
        ("CN=Staff,OU=x", "Staff"),
        (r"CN=Staff\, North,OU=x", "Staff, North"),
        (r"CN=Stra\C3\9Fe,OU=x", "Straße"),
        ("uid=ana+cn=Ana,ou=x", "ana"),
    ],
)
def test_the_first_value_of_a_name(dn: str, value: str) -> None:
    """RFC 4514's escapes are undone."""
    assert first_value(dn) == value


def test_names_of_one_entry_are_alike() -> None:
    """Spaces around separators and case tell nothing apart."""
    assert plain_dn("UID = Ana , OU=People") == plain_dn("uid=ana,ou=people")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ldap://directory.example.org", "start_tls": False}, "in clear"),
        ({"url": "http://directory.example.org"}, "ldaps://"),
        ({"url": "ldaps://cn:secret@directory.example.org"}, "bind_dn"),
        ({"bind_dn": "cn=reader"}, "secret"),
        ({"every": "10s"}, "1min"),
    ],
)
def test_unsafe_settings_are_refused(given: dict[str, object], said: str) -> None:
    """No password goes over a line in clear, and no service is asked without pause."""
    with pytest.raises(ValueError, match=said):
        settings(**given)
