"""SNMP, and the only pysnmp: plain numbers, octets and text come out; nothing raises, all ends.

Below pysnmp's own command generators, which keep a row for every target they ever met: a question
goes out by the dispatcher's sendPdu (RFC 3412 §4.1.1); retries and time limits are here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
from pysnmp.entity import config as _config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.proto.api import v2c as _v2c
from pysnmp.proto.proxy import rfc2576 as _rfc2576

from edge.devices.addresses import resolved
from edge.devices.oids import text_of
from edge.devices.walking import Said
from edge.devices.words import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from config.settings_devices import SnmpProfile
    from edge.devices.addresses import SocketAddress
    from edge.devices.objects import Kind
    from edge.devices.oids import Oid, Value
    from edge.devices.words import Target

#: pysnmp's annotations are half there; what is taken from it is checked here.
_CONFIG: Final[Any] = _config
_V2C: Final[Any] = _v2c
_RFC2576: Final[Any] = _rfc2576

# securityLevel (RFC 3411 §5)
_NO_AUTH_NO_PRIV: Final = 1
_AUTH_PRIV: Final = 3

#: Reports that only teach us the peer's engine (RFC 3414 §4), before a question counts as asked.
_LESSONS: Final = 3
#: Seconds between two looks of pysnmp's at what timed out.
_TICK: Final = 0.25
#: Seconds after which a question is given up although pysnmp should have said so.
_GUARD: Final = 2.0

_LESSON: Final = (errind.NotInTimeWindow, errind.UnknownEngineID)
_REFUSAL: Final = (
    errind.UnknownCommunityName,
    errind.UnknownUserName,
    errind.UnknownSecurityName,
    errind.WrongDigest,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.UnsupportedSecurityLevel,
    errind.DecryptionError,
)

_AUTHENTICATION: Final = {
    "sha1": _config.USM_AUTH_HMAC96_SHA,
    "sha224": _config.USM_AUTH_HMAC128_SHA224,
    "sha256": _config.USM_AUTH_HMAC192_SHA256,
    "sha384": _config.USM_AUTH_HMAC256_SHA384,
    "sha512": _config.USM_AUTH_HMAC384_SHA512,
}
#: RFC 3826 has 128 bits only; for more, keys are made longer as Reeder's draft does.
_PRIVACY: Final = {
    "aes128": _config.USM_PRIV_CFB128_AES,
    "aes192": _config.USM_PRIV_CFB192_AES,
    "aes256": _config.USM_PRIV_CFB256_AES,
}
#: version → message processing model, security model (RFC 3411 §5), version of the PDU.
_VERSIONS: Final = {"1": (0, 1, 0), "2c": (1, 2, 1), "3": (3, 3, 1)}


#: pysnmp's domain of a transport, and its address there.
_Peer: TypeAlias = "tuple[Any, Any]"
#: pysnmp's question or answer.
_Pdu: TypeAlias = Any
_Answer: TypeAlias = "Said | errind.ErrorIndication"


@dataclass(frozen=True, slots=True)
class _Asker:
    """An identity under which an engine asks."""

    engine: _Engine
    version: str
    name: Any
    """securityName, as pysnmp's own text."""
    level: int
    context: Any
    """contextName, likewise: empty."""


@dataclass(slots=True)
class _Engine:
    """One pysnmp engine, and which user names it has keys for."""

    snmp: Any
    users: dict[str, str] = field(default_factory=dict)
    """User name → the profile that has it."""
    transports: set[Any] = field(default_factory=set)


class Snmp:
    """Asks machines; one for the process, used in one event loop."""

    def __init__(self, profiles: Mapping[str, SnmpProfile], *, at_once: int = 20) -> None:
        """Remember how machines are asked; nothing is opened yet.

        Args:
            profiles: by name; a target names one.
            at_once: questions under way at the same time.
        """
        self._profiles = profiles
        self._room = asyncio.Semaphore(at_once)
        self._engines: list[_Engine] = []
        self._askers: dict[str, _Asker] = {}
        self._communities: dict[str, str] = {}
        self._asked: Counter[str] = Counter()
        self._mute: set[Target] = set()
        """They have told us their engine (RFC 3414 §4), and nothing since."""
        self.garbage = 0
        """Datagrams that came from somebody asked and made no sense."""

    async def close(self) -> None:
        """Close the sockets."""
        for engine in self._engines:
            engine.snmp.close_dispatcher()
        self._engines.clear()
        self._askers.clear()
        self._communities.clear()
        await asyncio.sleep(0)  # so that the transports' closing is run

    async def ask(
        self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
    ) -> Said | NoAnswer:
        """Put one question, as often as the profile says."""
        profile = self._profiles[target.profile]
        where = await resolved(target.address, target.port, profile.timeout.total_seconds())
        if isinstance(where, str):
            return NoAnswer(f"{target.address} cannot be asked: {where}")
        async with self._room:
            try:
                asker = self._asker(target.profile, profile)
                peer = _peer(asker.engine, where, self._heard)
                question = _question(kind, oids, rows)
            except (OSError, PySnmpError, PyAsn1Error) as error:
                return NoAnswer(f"{target.address} cannot be asked: {type(error).__name__}")
            with self._expecting(where[0]):
                return await self._tries(target, asker, peer, question)

    async def _tries(
        self, target: Target, asker: _Asker, peer: _Peer, question: _Pdu
    ) -> Said | NoAnswer:
        profile = self._profiles[target.profile]
        lessons = tries = 0
        while True:
            said = await _once(asker, peer, question, profile.timeout.total_seconds())
            if isinstance(said, Said):
                self._mute.discard(target)
                return said
            if isinstance(said, _LESSON) and lessons < _LESSONS:
                lessons += 1
                self._mute.add(target)
            elif isinstance(said, _REFUSAL):
                return NoAnswer(
                    f"{target.address} answers, and will not speak with profile"
                    f" {target.profile!r}: {said}",
                    refused=True,
                )
            elif tries < profile.retries:
                tries += 1
            elif target in self._mute:
                return NoAnswer(
                    f"{target.address} tells who it is, and nothing else to profile"
                    f" {target.profile!r}: a wrong privacy_key?",
                    refused=True,
                )
            elif said is None or isinstance(said, errind.RequestTimedOut):
                return NoAnswer(f"{target.address} does not answer SNMP (profile {target.profile})")
            else:
                return NoAnswer(f"{target.address} answers SNMP, but not so that it can be read")

    def bulk(self, target: Target) -> bool:
        """Tell whether GetBulk is spoken with it."""
        return self._profiles[target.profile].version != "1"

    def _asker(self, name: str, profile: SnmpProfile) -> _Asker:
        """Return who asks by a profile; two keys of one user name need an engine each."""
        if (known := self._askers.get(name)) is not None:
            return known
        if profile.version == "3":
            asker = self._user(name, profile)
        else:
            given = profile.community
            community = "public" if given is None else given.get_secret_value()
            engine = self._engine("")
            index = self._communities.get(community)
            if index is None:
                index = self._communities[community] = f"community-{len(self._communities)}"
                _CONFIG.add_v1_system(engine.snmp, index, community, securityName=index)
            asker = _registered(engine, profile.version, index, _NO_AUTH_NO_PRIV)
        self._askers[name] = asker
        return asker

    def _user(self, name: str, profile: SnmpProfile) -> _Asker:
        assert profile.user is not None  # noqa: S101  the settings refuse version 3 without
        assert profile.authentication_key is not None  # noqa: S101
        assert profile.privacy_key is not None  # noqa: S101
        engine = self._engine(profile.user)
        _CONFIG.add_v3_user(
            engine.snmp,
            profile.user,
            _AUTHENTICATION[profile.authentication],
            profile.authentication_key.get_secret_value(),
            _PRIVACY[profile.privacy],
            profile.privacy_key.get_secret_value(),
        )
        engine.users[profile.user] = name
        return _registered(engine, "3", profile.user, _AUTH_PRIV)

    def _engine(self, user: str) -> _Engine:
        """Return the first engine that has no such user yet."""
        for engine in self._engines:
            if user not in engine.users:
                return engine
        snmp = SnmpEngine()
        dispatcher = _Dispatcher(loop=asyncio.get_running_loop())
        dispatcher.set_timer_resolution(_TICK)
        snmp.register_transport_dispatcher(dispatcher)
        engine = _Engine(snmp)
        self._engines.append(engine)
        return engine

    @contextmanager
    def _expecting(self, host: str) -> Iterator[None]:
        """Take datagrams of this host meanwhile; others cost nothing."""
        self._asked[host] += 1
        try:
            yield
        finally:
            self._asked[host] -= 1
            if not self._asked[host]:
                del self._asked[host]

    def _heard(self, deliver: Any, sender: Any, datagram: bytes) -> None:  # noqa: ANN401
        """Hand a datagram to pysnmp; what it chokes on is not printed: secrets are in it."""
        if sender[0] not in self._asked:
            return
        try:
            deliver(sender, datagram)
        except Exception:  # noqa: BLE001  once a datagram: anybody may send anything
            self.garbage += 1


def _registered(engine: _Engine, version: str, name: str, level: int) -> _Asker:
    """Let an engine take answers to this name by this version (snmpTargetParamsTable)."""
    model = _VERSIONS[version][0]
    _CONFIG.add_target_parameters(engine.snmp, f"{name}-{model}", name, level, model)
    builder = engine.snmp.get_mib_builder()
    (text,) = builder.import_symbols("SNMP-FRAMEWORK-MIB", "SnmpAdminString")
    return _Asker(engine, version, text(name), level, text(""))


async def _once(asker: _Asker, peer: _Peer, question: _Pdu, seconds: float) -> _Answer | None:
    """Send one question once; None: pysnmp lost it."""
    future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
    model, security, pdu_version = _VERSIONS[asker.version]

    def answered(*arguments: Any) -> None:  # noqa: ANN401  RFC 3412 §4.1.2, processResponsePdu
        pdu, status = arguments[8], arguments[9]
        if future.done():
            return
        if status:
            future.set_result(status["errorIndication"])
            return
        try:
            future.set_result(_read(pdu, question, pdu_version))
        except (PySnmpError, PyAsn1Error, ValueError, TypeError, IndexError):
            future.set_result(errind.ParseError())

    engine = asker.engine.snmp
    ticks = seconds / _TICK
    pdu = question if pdu_version else _RFC2576.v2_to_v1(question)
    try:
        engine.message_dispatcher.send_pdu(
            engine, *peer, model, security, asker.name, asker.level,
            None, asker.context, pdu_version, pdu, True, ticks, answered, None,  # noqa: FBT003
        )  # fmt: skip
    except PySnmpError as error:
        known = hasattr(error, "__contains__") and "errorIndication" in error  # half a mapping
        return error["errorIndication"] if known else errind.OtherError()
    try:
        async with asyncio.timeout(seconds + _GUARD):
            return await future
    except TimeoutError:
        return None


def _question(kind: Kind, oids: Sequence[Oid], rows: int) -> _Pdu:
    """Write a PDU of version 2 (RFC 3416 §3)."""
    pdu = {
        "get": _V2C.GetRequestPDU,
        "next": _V2C.GetNextRequestPDU,
        "bulk": _V2C.GetBulkRequestPDU,
    }[kind]()
    api = _V2C.apiBulkPDU if kind == "bulk" else _V2C.apiPDU
    api.set_defaults(pdu)
    if kind == "bulk":
        api.set_non_repeaters(pdu, 0)
        api.set_max_repetitions(pdu, rows)
    api.set_varbinds(pdu, [(rfc1902.ObjectName(oid), univ.Null("")) for oid in oids])
    return pdu


def _read(pdu: _Pdu, question: _Pdu, pdu_version: int) -> _Answer:
    if pdu_version == 0:
        pdu = _RFC2576.v1_to_v2(pdu, question)
    api = _V2C.apiPDU
    if api.get_request_id(pdu) != api.get_request_id(question):
        return errind.DataMismatch()
    bound = tuple((tuple(name), _plain(value)) for name, value in api.get_varbinds(pdu))
    index = int(api.get_error_index(pdu, muteErrors=True))
    return Said(int(api.get_error_status(pdu)), index, bound)


def _plain(value: Any) -> Value | None:  # noqa: ANN401  pysnmp's
    """Return a number, octets, an identifier or address as text; None: there is no such object."""
    match value:
        case rfc1905.NoSuchObject() | rfc1905.NoSuchInstance() | rfc1905.EndOfMibView():
            return None
        case rfc1902.IpAddress():
            return ".".join(str(octet) for octet in value.asOctets())
        case univ.Integer():
            return int(value)
        case univ.OctetString():
            return bytes(value.asOctets())
        case univ.ObjectIdentifier():
            return text_of(tuple(value))
    return None


def _peer(engine: _Engine, where: SocketAddress, heard: Any) -> _Peer:  # noqa: ANN401  a method
    """Return a peer as pysnmp has it, with a socket of its kind open."""
    six = len(where) > 2  # noqa: PLR2004  with flow and scope
    domain = _CONFIG.SNMP_UDP6_DOMAIN if six else _CONFIG.SNMP_UDP_DOMAIN
    if domain not in engine.transports:
        transport = (_Udp6 if six else _Udp)(loop=asyncio.get_running_loop())
        transport.heard = heard
        _CONFIG.add_transport(engine.snmp, domain, transport.open_client_mode())
        engine.transports.add(domain)
    kind: Any = udp6.Udp6TransportAddress if six else udp.UdpTransportAddress
    return domain, kind(where)


class _Dispatcher(AsyncioDispatcher):  # type: ignore[misc]  # it has no types
    """Its timers go by a clock that never jumps: set back, they would stand and things pile up."""

    def handle_timer_tick(self, timeNow: float) -> None:  # noqa: ARG002, N803  pysnmp's, of the day
        """Let time pass."""
        super().handle_timer_tick(monotonic())


class _Guarded:
    """A socket of pysnmp's whose datagrams pass `Snmp` first."""

    heard: Any

    def datagram_received(self, datagram: bytes, sender: Any) -> None:  # noqa: ANN401
        """Take one."""
        self.heard(self._deliver, sender, datagram)

    def _deliver(self, sender: Any, datagram: bytes) -> None:  # noqa: ANN401
        callback: Any = self._callback_function  # type: ignore[attr-defined]  # pysnmp's
        callback(self, sender, datagram)

    def error_received(self, error: Exception) -> None:
        """Nobody listens there: the question's time limit says so."""


class _Udp(_Guarded, udp.UdpAsyncioTransport):  # type: ignore[misc]  # it has no types
    """Over IPv4."""


class _Udp6(_Guarded, udp6.Udp6AsyncioTransport):  # type: ignore[misc]  # likewise
    """Over IPv6."""
