"""What is taken of the claims of a provider, and which settings of one make sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from central.openid import Told, Unusable, found, told, wanted
from config.settings_openid import OidcSettings
from config.settings_web import WebSettings

ISSUER = "https://id.example.org/realms/school"
ANA = {"sub": "4711", "preferred_username": "Ana", "name": " Ana  Silva ", "email": "Ana@x.org"}


def settings(**more: object) -> OidcSettings:
    """Return settings with these."""
    return OidcSettings.model_validate({"issuer": ISSUER, "client_id": "printmesh"} | more)


def test_a_person_is_taken_as_they_are_told() -> None:
    """The user name in lower case, what people read on one line, and no more than is trusted."""
    said = told(ANA | {"groups": ["staff"], "amr": ["mfa"]}, settings())
    assert said == Told(ISSUER, "4711", "ana", "Ana Silva", "Ana@x.org", (), strong=False)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "4711"},
        {"sub": 4711, "preferred_username": "ana"},
        {"sub": "", "preferred_username": "ana"},
        {"sub": "x" * 256, "preferred_username": "ana"},
        {"sub": "4711", "preferred_username": ["ana"]},
        {"sub": "4711", "preferred_username": "  "},
        {"sub": "4711", "preferred_username": "x" * 256},
        {"sub": "47\0", "preferred_username": "ana"},
        {"sub": "47\ud800", "preferred_username": "ana"},
        {"sub": "4711", "preferred_username": "ana\0"},
    ],
)
def test_who_is_not_named_is_nobody(claims: dict[str, object]) -> None:
    """Without a subject and a name of the kind that is expected, nobody is meant."""
    assert isinstance(told(claims, settings()), Unusable)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ana@school.org", "ana"),
        ("Ana@School.ORG", "ana"),
        ("ana", None),
        ("ana@school.org.evil.example", None),
        ("ana@evil.example@school.org", "ana@evil.example"),  # no user name: nobody is called so
    ],
)
def test_a_domain_is_taken_off_and_others_are_nobody(said: str, name: str | None) -> None:
    """Only what ends in it exactly is somebody here."""
    got = told(ANA | {"preferred_username": said}, settings(domain="school.org"))
    assert (got.who if isinstance(got, Told) else None) == name


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_is_not_verified_names_nobody(verified: object) -> None:
    """Only the provider's plain word, true, makes an address somebody's."""
    assert isinstance(told(ANA | {"email_verified": verified}, settings(match="email")), Unusable)
    got = told(ANA | {"email_verified": True}, settings(match="email"))
    assert isinstance(got, Told)
    assert got.who == "ana@x.org"


def test_groups_are_found_where_they_are() -> None:
    """Under a plain name, within another claim, alone; odd ones are left out, ours stand too."""
    claims = ANA | {"roles": {"of": ["a", "a", "x" * 121, "", 7, "b\nc"]}, "roles.too": "d"}
    got = told(claims, settings(groups_claim="roles.of", groups=["ours"]))
    assert isinstance(got, Told)
    assert got.groups == ("a", "b c", "ours")
    assert found(claims, "roles.too") == "d"
    assert found(claims, "roles.of.none") is None
    assert found(claims, "sub.of") is None


@pytest.mark.parametrize(
    ("trusted", "amr", "strong"),
    [
        (True, ["pwd", "mfa"], True),
        (True, ["pwd", "otp"], False),
        (True, "mfa", False),
        (True, None, False),
        (False, ["mfa"], False),
    ],
)
def test_two_factors_are_believed_only_where_that_is_trusted(
    amr: object, *, trusted: bool, strong: bool
) -> None:
    """RFC 8176's own word in a list, and the setting: both or nothing."""
    got = told(ANA | {"amr": amr}, settings(trust_mfa=trusted))
    assert isinstance(got, Told)
    assert got.strong is strong


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(claims=st.fixed_dictionaries({}, optional=dict.fromkeys([*ANA, "groups", "amr"], JSON)))
def test_whatever_a_provider_says_is_bounded(claims: dict[str, object]) -> None:
    """Nothing it may say fails, or becomes a text that does not fit."""
    got = told(claims, settings(groups_claim="groups", trust_mfa=True))
    if isinstance(got, Told):
        assert max(map(len, (got.subject, got.who, got.display, got.email))) <= 255
        assert all(0 < len(each) <= 120 for each in got.groups)
        assert all(map(str.isprintable, (got.subject, got.who, got.display, got.email)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.example.org"},
        {"issuer": "https://id.example.org/?x=1"},
        {"issuer": "https://ana:secret@id.example.org"},
        {"issuer": "id.example.org"},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"scopes": ["profile"]},
        {"secret": SecretStr("")},
        {"match": "email", "create": True},
        {"match": "email", "domain": "school.org"},
        {"timeout": "5min"},
        {"domain": "@school.org"},
    ],
)
def test_settings_that_are_not_safe_are_refused(wrong: dict[str, object]) -> None:
    """Plain HTTP elsewhere, secrets that could sign, nobody to send people back to: no start."""
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_a_provider_must_find_back() -> None:
    """Any free port is nothing that it could be told before."""
    with pytest.raises(ValidationError, match="address"):
        WebSettings(port=0, oidc=settings())
    assert WebSettings(port=8090, oidc=settings()).oidc is not None


def test_a_button_says_whose_it_is() -> None:
    """What the settings say, else the provider's host; userinfo is asked for what is needed."""
    assert settings().called == "id.example.org"
    assert settings(label="School").called == "School"
    assert wanted(settings()) == {"preferred_username"}
    assert wanted(settings(match="email")) == {"email", "email_verified"}
