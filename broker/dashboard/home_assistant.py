"""The fleet as Home Assistant discovers it: what stands retained at its broker; pure.

Device-based discovery (https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload,
Home Assistant 2024.11 and newer): one retained message a device, an empty one takes it out. States
are our own messages as they are; templates pick out of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from broker import topics
from broker.dashboard.events import Linked, Lost, Removed, Told
from broker.dashboard.fleet_words import plain
from broker.messages import DeviceState, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from broker.dashboard.events import LineEvent
    from broker.messages import Supply

_MARK: Final = "printmesh_"
#: Devices of one node that are announced, as in the fleet's view.
_DEVICES: Final = 2000
#: Entities of one device; a machine has some twenty supplies at most.
_ENTITIES: Final = 64
#: What may stand in a template as it is.
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_METERS: Final = {
    "total": "Pages",
    "total-mono": "Pages in black and white",
    "total-color": "Pages in colour",
}
_PROBLEM: Final = (
    "{{ 'ON' if value_json.data.state == 'stopped' or value_json.data.answers == false"
    " or value_json.data.troubles | rejectattr('severity', 'eq', 'info') | list | length > 0"
    " else 'OFF' }}"
)
#: `None` is Home Assistant's word for not known: some printers nobody asks.
_ANSWERS: Final = (
    "{{ 'ON' if value_json.data.answers == true"
    " else 'OFF' if value_json.data.answers == false else 'None' }}"
)
_TROUBLES: Final = (
    "{{ {'troubles': value_json.data.troubles | map(attribute='detail') | list,"
    " 'reasons': value_json.data.reasons} | tojson }}"
)


@dataclass(slots=True)
class Announced:
    """What is to stand at Home Assistant's broker, by topic; all of it retained.

    `take` and `tidy` return the topics whose message changed; one without a message is to be empty.
    """

    node: str
    """The dashboard that announces."""
    software: str
    """Name and version of this program."""
    prefix: str = "homeassistant"
    """Home Assistant's discovery prefix."""
    pass_on: bool = True
    """States are put there as well; else they are at the same broker already."""
    settle: timedelta = timedelta(minutes=10)
    """What its linked site has not spoken of for so long is taken out."""
    there: dict[str, bytes] = field(default_factory=dict)
    """Topic → message."""
    _components: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _found: set[tuple[str, str]] = field(default_factory=set)
    """Node and device of what stood there from before."""
    _devices: dict[str, set[str]] = field(default_factory=dict)
    _online: dict[str, datetime] = field(default_factory=dict)
    """Nodes on line, and since when we know."""

    @property
    def availability(self) -> str:
        """The topic that says whether we hear the fleet: `online` or `offline`; also our will."""
        return f"{self.prefix}/printmesh/{self.node}/availability"

    @property
    def announcements(self) -> str:
        """The filter of all announcements."""
        return f"{self.prefix}/device/+/config"

    def config_topic(self, node: str, device: str = "") -> str:
        """Return where a site or a device is announced."""
        return f"{self.prefix}/device/{_id(node, device)}/config"

    def found(self, topic: str) -> None:
        """Hear of an announcement that stands there: ours from before, perhaps of what has gone."""
        _, _, rest = topic.partition("/device/")
        name, _, _ = rest.partition("/")
        node, _, device = name.removeprefix(_MARK).partition("_")
        if name.startswith(_MARK) and node and device:
            self._found.add((node, device))

    def take(self, event: LineEvent, now: datetime) -> set[str]:
        """Take in what was heard of the fleet."""
        match event:
            case Linked():
                return self._put(self.availability, b"online")
            case Lost():
                # who is not spoken of again went meanwhile
                self._online.clear()
                self._found |= {(node, one) for node, all_ in self._devices.items() for one in all_}
                self._devices.clear()
                return self._put(self.availability, b"offline")
            case Removed(node=node, device=device):
                return self._removed(node, device)
            case Told(message=Status() as status, node=node):
                return self._status(event, node, status, now)
            case Told(message=DeviceState() as state, node=node, device=device):
                return self._state(event, node, device, state)
            case _:
                return set()

    def tidy(self, now: datetime) -> set[str]:
        """Take out what stood there from before and its site has not spoken of since."""
        gone = {
            (node, device)
            for node, device in self._found
            if node in self._online
            and now - self._online[node] >= self.settle
            and device not in self._devices.get(node, set())
        }
        self._found -= gone
        return set().union(*(self._removed(node, device) for node, device in gone))

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _status(self, told: Told, node: str, status: Status, now: datetime) -> set[str]:
        if status.online:
            self._online.setdefault(node, now)
        else:
            self._online.pop(node, None)
        config = self._config(
            {
                "identifiers": [_id(node)],
                "name": plain(status.site or node),
                "model": "Printmesh site",
            },
            {"link": _link(node)},
            [{"topic": self.availability}],
        )
        changed = self._put(self.config_topic(node), config)
        return changed | self._passed_on(topics.STATUS.of(node=node), told)

    def _state(self, told: Told, node: str, device: str, state: DeviceState) -> set[str]:
        known = self._devices.setdefault(node, set())
        if device not in known and len(known) >= _DEVICES:
            return set()
        known.add(device)
        topic = self.config_topic(node, device)
        # what was once announced stays: a table that was read by half takes nothing out
        components = self._components.setdefault(topic, {})
        for key, component in _printer(node, device, state):
            if len(components) < _ENTITIES:
                components.setdefault(key, component)
        of_site = {
            "topic": topics.STATUS.of(node=node),
            "value_template": "{{ 'online' if value_json.data.online else 'offline' }}",
        }
        config = self._config(
            _device(node, device, state), components, [{"topic": self.availability}, of_site]
        )
        changed = self._put(topic, config)
        return changed | self._passed_on(topics.DEVICE.of(node=node, device=device), told)

    def _removed(self, node: str, device: str) -> set[str]:
        topic = self.config_topic(node, device)
        state = (
            topics.DEVICE.of(node=node, device=device) if device else topics.STATUS.of(node=node)
        )
        self._components.pop(topic, None)
        self._devices.get(node, set()).discard(device)
        self.there.pop(topic, None)
        self.there.pop(state, None)
        return {topic, state} if self.pass_on else {topic}

    def _config(
        self,
        device: dict[str, Any],
        components: dict[str, dict[str, Any]],
        availability: list[dict[str, str]],
    ) -> bytes:
        told = {
            "device": device,
            "origin": {"name": "Printmesh", "sw_version": self.software},
            "availability": availability,
            "availability_mode": "all",
            "qos": 1,
            "components": components,
        }
        return json.dumps(told, ensure_ascii=False).encode()

    def _passed_on(self, topic: str, told: Told) -> set[str]:
        return self._put(topic, told.payload) if self.pass_on else set()

    def _put(self, topic: str, message: bytes) -> set[str]:
        if self.there.get(topic) == message:
            return set()
        self.there[topic] = message
        return {topic}


def _id(node: str, device: str = "") -> str:
    # neither id has an underscore: no two devices share a name
    return f"{_MARK}{node}_{device}" if device else f"{_MARK}{node}"


def _link(node: str) -> dict[str, Any]:
    return {
        "platform": "binary_sensor",
        "unique_id": f"{_id(node)}_link",
        "name": "Link",
        "device_class": "connectivity",
        "state_topic": topics.STATUS.of(node=node),
        "value_template": "{{ 'ON' if value_json.data.online else 'OFF' }}",
    }


def _device(node: str, device: str, state: DeviceState) -> dict[str, Any]:
    found = state.identity
    facts = {
        "manufacturer": found.maker if found else None,
        "model": found.model if found else None,
        "serial_number": found.serial if found else None,
    }
    return {
        "identifiers": [_id(node, device)],
        "name": plain(state.name) or device,
        **{key: plain(fact) for key, fact in facts.items() if fact},
        "via_device": _id(node),
    }


def _printer(node: str, device: str, state: DeviceState) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the entities of a printer, by a key that stays theirs."""
    own = {"state_topic": topics.DEVICE.of(node=node, device=device)}

    def one(key: str, platform: str, name: str, **more: object) -> tuple[str, dict[str, Any]]:
        unique = {"platform": platform, "unique_id": f"{_id(node, device)}_{key}", "name": name}
        return key, {**unique, **own, **more}

    yield one(
        "state",
        "sensor",
        "State",
        device_class="enum",
        options=["idle", "processing", "stopped", "unknown"],
        value_template="{{ value_json.data.state }}",
    )
    yield one(
        "problem",
        "binary_sensor",
        "Problem",
        device_class="problem",
        value_template=_PROBLEM,
        json_attributes_topic=own["state_topic"],
        json_attributes_template=_TROUBLES,
    )
    yield one(
        "answers",
        "binary_sensor",
        "Answers",
        device_class="connectivity",
        entity_category="diagnostic",
        value_template=_ANSWERS,
    )
    for supply in state.supplies:
        if supply.level is not None and _KEY.fullmatch(supply.key):
            yield one(
                "supply_" + re.sub(r"[^A-Za-z0-9]", "_", supply.key),
                "sensor",
                _called(supply),
                unit_of_measurement="%",
                state_class="measurement",
                value_template=_picked("supplies", "key", supply.key, "level"),
            )
    for meter in state.meters:
        if meter.name in _METERS and meter.unit == "impressions":
            yield one(
                f"meter_{meter.name.replace('-', '_')}",
                "sensor",
                _METERS[meter.name],
                unit_of_measurement="pages",
                state_class="total_increasing",
                value_template=_picked("meters", "name", meter.name, "value"),
            )


def _called(supply: Supply) -> str:
    return plain(supply.name) or plain(f"{supply.color or ''} {supply.kind}")


def _picked(table: str, by: str, key: str, what: str) -> str:
    """Return a template for one row of a list; `None` is Home Assistant's word for not known."""
    return (
        f"{{{{ value_json.data.{table} | selectattr('{by}', 'eq', '{key}')"
        f" | map(attribute='{what}') | first | default('None') }}}}"
    )
