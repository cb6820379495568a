"""Promises of what is announced to Home Assistant, held against its documented schema.

Device-based discovery: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload;
entities: …/sensor.mqtt/ and …/binary_sensor.mqtt/.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from broker import topics
from broker.codec import encode
from broker.dashboard.events import Linked, Lost, Removed, Told
from broker.dashboard.home_assistant import Announced
from broker.messages import (
    DeviceIdentity,
    DeviceState,
    DeviceTrouble,
    Message,
    Meter,
    Status,
    Supply,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
#: The documentation's own lists: what may stand where, and what has to.
ROOT = {"device", "origin", "components"}
SHARED = {"availability", "availability_mode", "state_topic", "command_topic", "qos", "encoding"}
DEVICE = {
    "configuration_url",
    "connections",
    "hw_version",
    "identifiers",
    "manufacturer",
    "model",
    "model_id",
    "name",
    "serial_number",
    "suggested_area",
    "sw_version",
    "via_device",
}
ORIGIN = {"name", "sw_version", "support_url"}
ENTITY = {
    "platform",
    "unique_id",
    "name",
    "device_class",
    "enabled_by_default",
    "entity_category",
    "entity_picture",
    "expire_after",
    "force_update",
    "icon",
    "json_attributes_template",
    "json_attributes_topic",
    "state_topic",
    "value_template",
} | SHARED
SENSOR = ENTITY | {"options", "state_class", "suggested_display_precision", "unit_of_measurement"}
BINARY = ENTITY | {"off_delay", "payload_on", "payload_off"}
SENSOR_CLASSES = {"enum", None}
BINARY_CLASSES = {"connectivity", "problem", None}
STATE_CLASSES = {"measurement", "total", "total_increasing", None}


def check(topic: str, payload: bytes) -> dict[str, Any]:
    """Hold an announcement against the documented schema; return it."""
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)
    told: dict[str, Any] = json.loads(payload)
    assert set(told) >= ROOT
    assert set(told) - ROOT <= SHARED
    assert set(told["device"]) <= DEVICE
    assert told["device"]["identifiers"], "identifiers or connections are required"
    assert all(isinstance(each, str) for each in told["device"]["identifiers"])
    assert {"name"} <= set(told["origin"]) <= ORIGIN
    assert told["availability_mode"] in {"all", "any", "latest"}
    for each in told["availability"]:
        assert {"topic"} <= set(each)
        assert set(each) <= {
            "topic",
            "payload_available",
            "payload_not_available",
            "value_template",
        }
    for each in told["components"].values():
        check_entity(each)
    names = [each["unique_id"] for each in told["components"].values()]
    assert len(set(names)) == len(names), "two of one unique id are refused"
    return told


def check_entity(entity: dict[str, Any]) -> None:
    """Hold one component against the schema of its platform."""
    assert {"platform", "unique_id", "state_topic"} <= set(entity)
    assert entity["platform"] in {"sensor", "binary_sensor"}
    binary = entity["platform"] == "binary_sensor"
    assert set(entity) <= (BINARY if binary else SENSOR)
    assert entity.get("device_class") in (BINARY_CLASSES if binary else SENSOR_CLASSES)
    assert entity.get("state_class") in STATE_CLASSES
    assert entity.get("entity_category") in {"config", "diagnostic", None}
    if "options" in entity:
        assert entity["options"]
        assert entity["device_class"] == "enum"
        assert not {"state_class", "unit_of_measurement"} & set(entity)
    assert not {"+", "#"} & set(entity["state_topic"])


def told(message: Message, node: str = "north-1", device: str = "") -> Told:
    """Return what the line would say of a message."""
    payload = encode(message, source=node, id_=uuid4(), now=NOW)
    return Told(message, node, device, "1", NOW, kept=True, payload=payload)


def printer(**fields: Any) -> DeviceState:  # noqa: ANN401  any field
    """Return a state."""
    known: dict[str, Any] = {
        "device": "p1",
        "name": "Library, ground floor",
        "state": "idle",
        "updated_at": NOW,
        "identity": DeviceIdentity(serial="X1", maker="Maker", model="Model 7"),
        "supplies": (
            Supply(key="1.1", name="Black toner", kind="toner", color="black", level=8),
            Supply(key="1.2", name="Cyan toner", kind="toner", color="cyan", level=60),
        ),
        "meters": (Meter(name="total", value=1234, source="snmp"),),
    }
    return DeviceState(**(known | fields))


def announced(**fields: Any) -> Announced:  # noqa: ANN401  any field
    """Return an exporter's picture."""
    return Announced("ha", "printmesh 0.1.0", **fields)


CONFIG = "homeassistant/device/printmesh_north-1_p1/config"
SITE = "homeassistant/device/printmesh_north-1/config"
STATE = topics.DEVICE.of(node="north-1", device="p1")


def shown(picture: Announced, key: str, what: str = "value_template") -> str:
    """Return what Home Assistant would show: the entity's template on the state there."""
    entity = json.loads(picture.there[CONFIG])["components"][key]
    assert entity["state_topic"] == STATE
    template = SandboxedEnvironment().from_string(entity[what])
    return template.render(value_json=json.loads(picture.there[STATE]))


def test_a_printer_and_its_site_are_announced_as_documented() -> None:
    """Both announcements fit the schema; the printer is shown as connected by its site."""
    picture = announced()
    picture.take(told(Status(online=True, session=uuid4())), NOW)
    picture.take(told(printer(), device="p1"), NOW)
    site, found = check(SITE, picture.there[SITE]), check(CONFIG, picture.there[CONFIG])
    assert found["device"]["via_device"] == site["device"]["identifiers"][0]
    assert found["device"]["serial_number"] == "X1"
    assert set(site["components"]) == {"link"}


def test_templates_show_what_the_state_says() -> None:
    """State, supplies, pages and problem come out of our own message as it is."""
    picture = announced()
    picture.take(told(printer(answers=True), device="p1"), NOW)
    assert shown(picture, "state") == "idle"
    assert shown(picture, "supply_1_1") == "8"
    assert shown(picture, "supply_1_2") == "60"
    assert shown(picture, "meter_total") == "1234"
    assert shown(picture, "problem") == "OFF"
    assert shown(picture, "answers") == "ON"
    jam = DeviceTrouble(code="jam", severity="critical", detail="Paper jam", since=NOW)
    ill = printer(state="stopped", troubles=(jam,), answers=False, supplies=(), meters=())
    picture.take(told(ill, device="p1"), NOW)
    assert shown(picture, "problem") == "ON"
    assert shown(picture, "answers") == "OFF"
    assert shown(picture, "supply_1_1") == "None", "what is not told is not known, and not 0"
    attributes = json.loads(shown(picture, "problem", "json_attributes_template"))
    assert attributes["troubles"] == ["Paper jam"]
    picture.take(told(printer(answers=None), device="p1"), NOW)
    assert shown(picture, "answers") == "None", "nobody asks it: that is no connection"


def test_what_is_only_worth_knowing_is_no_problem() -> None:
    """A trouble of severity info leaves the problem off; a warning sets it."""
    picture = announced()
    for severity, word in (("info", "OFF"), ("warning", "ON")):
        note = DeviceTrouble(code="x", severity=severity, detail="x", since=NOW)
        picture.take(told(printer(troubles=(note,)), device="p1"), NOW)
        assert shown(picture, "problem") == word


def test_the_site_is_linked_by_its_own_word() -> None:
    """The link, and whether the printers are available, follow the site's status and will."""
    picture = announced()
    picture.take(told(printer(), device="p1"), NOW)
    for online, link, availability in ((True, "ON", "online"), (False, "OFF", "offline")):
        picture.take(told(Status(online=online, session=uuid4())), NOW)
        status = json.loads(picture.there[topics.STATUS.of(node="north-1")])
        entity = json.loads(picture.there[SITE])["components"]["link"]
        render = SandboxedEnvironment().from_string
        assert render(entity["value_template"]).render(value_json=status) == link
        (_, of_site) = json.loads(picture.there[CONFIG])["availability"]
        assert render(of_site["value_template"]).render(value_json=status) == availability


def test_a_lost_line_makes_everything_unavailable() -> None:
    """While we hear nothing, what stands there is marked; the word is our will as well."""
    picture = announced()
    assert picture.take(Linked(), NOW) == {picture.availability}
    assert picture.there[picture.availability] == b"online"
    assert picture.take(Lost("gone"), NOW) == {picture.availability}
    assert picture.there[picture.availability] == b"offline"


def test_a_removed_printer_is_taken_out() -> None:
    """Its announcement and its state are to be empty from then on."""
    picture = announced()
    picture.take(told(printer(), device="p1"), NOW)
    assert picture.take(Removed("north-1", "p1"), NOW) == {CONFIG, STATE}
    assert not {CONFIG, STATE} & set(picture.there)


def test_states_stay_where_they_are_on_the_same_broker() -> None:
    """With `ours` nothing but announcements is put there."""
    picture = announced(pass_on=False)
    picture.take(told(Status(online=True, session=uuid4())), NOW)
    assert picture.take(told(printer(), device="p1"), NOW) == {CONFIG}
    assert all(topic.startswith("homeassistant/") for topic in picture.there)


def test_nothing_is_said_twice() -> None:
    """A state that comes again changes nothing; a new level changes no announcement."""
    picture = announced()
    state = told(printer(), device="p1")
    assert picture.take(state, NOW) == {CONFIG, STATE}
    assert picture.take(state, NOW) == set()
    low = printer(supplies=(Supply(key="1.1", name="Black toner", kind="toner", level=7),))
    assert picture.take(told(low, device="p1"), NOW) == {STATE}


def test_a_half_read_table_takes_no_entity_out() -> None:
    """What was announced stays announced while its printer is there."""
    picture = announced()
    picture.take(told(printer(), device="p1"), NOW)
    before = picture.there[CONFIG]
    picture.take(told(printer(supplies=(), meters=()), device="p1"), NOW)
    assert picture.there[CONFIG] == before


def test_what_has_gone_while_nobody_looked_is_taken_out_in_time() -> None:
    """An old announcement goes when its linked site has not spoken of the printer for so long."""
    picture = announced(settle=timedelta(minutes=10))
    for device in ("p1", "old"):
        picture.found(f"homeassistant/device/printmesh_north-1_{device}/config")
    picture.found("homeassistant/device/printmesh_away-1_p9/config")
    picture.found("homeassistant/device/somebody_elses/config")
    picture.take(Linked(), NOW)
    picture.take(told(Status(online=True, session=uuid4())), NOW)
    picture.take(told(printer(), device="p1"), NOW)
    assert picture.tidy(NOW + timedelta(minutes=9)) == set()
    gone = picture.tidy(NOW + timedelta(minutes=10))
    assert gone == {
        "homeassistant/device/printmesh_north-1_old/config",
        topics.DEVICE.of(node="north-1", device="old"),
    }
    assert CONFIG in picture.there


def test_an_outage_of_ours_takes_nothing_out() -> None:
    """The time begins anew with each connection: a lost line is not a printer that has gone."""
    picture = announced(settle=timedelta(minutes=10))
    picture.take(told(Status(online=True, session=uuid4())), NOW)
    picture.take(told(printer(), device="p1"), NOW)
    picture.take(Lost("gone"), NOW)
    late = NOW + timedelta(hours=1)
    assert picture.tidy(late) == set()
    picture.take(told(Status(online=True, session=uuid4())), late)
    assert picture.tidy(late + timedelta(minutes=1)) == set()
    assert CONFIG in picture.tidy(late + timedelta(minutes=11)), "not spoken of since"


def test_a_device_that_always_names_new_supplies_is_bounded() -> None:
    """However many keys a machine makes up over time, its announcement stays small."""
    picture = announced()
    for n in range(200):
        odd = printer(supplies=(Supply(key=f"1.{n}", name="K", kind="toner", level=8),))
        picture.take(told(odd, device="p1"), NOW)
    found = check(CONFIG, picture.there[CONFIG])
    assert len(found["components"]) == 64
    assert len(picture.there[CONFIG]) < 64 * 1024


@given(
    st.lists(st.text(max_size=20), max_size=4, unique=True),
    st.text(max_size=40),
    st.one_of(st.none(), st.integers(0, 100)),
)
def test_whatever_a_machine_calls_things_the_schema_holds(
    keys: list[str], name: str, level: int | None
) -> None:
    """Foreign names and keys give announcements that fit, and templates that can be rendered."""
    supplies = tuple(Supply(key=key, name=name, kind=name, level=level) for key in keys)
    picture = announced()
    picture.take(told(printer(name=name, supplies=supplies), device="p1"), NOW)
    found = check(CONFIG, picture.there[CONFIG])
    for key in found["components"]:
        if not key.startswith("meter"):
            assert shown(picture, key) is not None
