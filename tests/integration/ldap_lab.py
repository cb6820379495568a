"""A real OpenLDAP for tests: slapd on free ports of this machine, with TLS by a test authority."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings_directory_services import LdapSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BASE: Final = "dc=example,dc=org"
READER: Final = f"cn=reader,{BASE}"
#: Whom the service breaks off for after 1000 entries, pages or not.
HASTY: Final = f"cn=hasty,{BASE}"
#: Whoever signs in in the tests has it.
PASSWORD: Final = "a password for tests"
_ADMIN: Final = f"cn=admin,{BASE}"
_PATIENCE: Final = 20.0
_SCHEMAS: Final = Path("/etc/ldap/schema")

_CONFIG: Final = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {home}/slapd.pid
argsfile {home}/slapd.args
TLSCACertificateFile {home}/ca.pem
TLSCertificateFile {home}/server.pem
TLSCertificateKeyFile {home}/server.key
# one answer has so many at most, pages any number: who does not ask by pages gets half of them
sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited
database mdb
maxsize 268435456
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {home}/db
limits dn.exact="{hasty}" size.soft=500 size.hard=1000 size.prtotal=hard
index objectClass eq
index uid,entryUUID,member eq
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by dn.exact="{hasty}" read by * none
"""


def installed() -> bool:
    """Say whether there is a slapd here."""
    return slapd() is not None and shutil.which("openssl") is not None


def slapd() -> str | None:
    """Return where slapd is."""
    return shutil.which("slapd", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin")


@dataclass(frozen=True, slots=True)
class Service:
    """A running directory service."""

    home: Path
    plain: int
    """Port of ldap://."""
    secure: int
    """Port of ldaps://."""

    def settings(self, **given: object) -> LdapSettings:
        """Return settings that read it over TLS."""
        always = {
            "name": "school",
            "url": f"ldaps://127.0.0.1:{self.secure}",
            "ca": self.home / "ca.pem",
            "bind_dn": READER,
            "secret": PASSWORD,
            "base": f"ou=people,{BASE}",
            "groups": {"base": f"ou=groups,{BASE}"},
            "page_size": 200,
        }
        return LdapSettings.model_validate(always | given)

    def change(self, ldif: str) -> None:
        """Change it, by records with a changetype."""
        command = ["ldapmodify", "-x", "-H", f"ldap://127.0.0.1:{self.plain}", "-D", _ADMIN]
        subprocess.run(
            [*command, "-w", PASSWORD], input=ldif, text=True, check=True, capture_output=True
        )


@contextmanager
def service(
    home: Path, people: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> Iterator[Service]:
    """Run a service that has some people (user names) in some groups."""
    program = slapd()
    assert program is not None
    (home / "db").mkdir()
    _certificates(home)
    config = home / "slapd.conf"
    config.write_text(
        _CONFIG.format(
            schemas=_SCHEMAS,
            home=home,
            base=BASE,
            admin=_ADMIN,
            reader=READER,
            hasty=HASTY,
            password=f'"{PASSWORD}"',
        )
    )
    ldif = home / "start.ldif"
    ldif.write_text("\n".join(_entries(people, groups)))
    add = str(Path(program).with_name("slapadd"))
    subprocess.run([add, "-q", "-f", config, "-l", ldif], check=True, capture_output=True)
    plain, secure = _free_port(), _free_port()
    hosts = f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{secure}/"
    process = subprocess.Popen(
        [program, "-f", config, "-h", hosts, "-d", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, plain)
        yield Service(home, plain, secure)
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def person_ldif(name: str, **attributes: str) -> str:
    """Return the record of a person."""
    always = {"cn": f"{name.title()} Example", "sn": "Example", "mail": f"{name}@example.org"}
    lines = [f"dn: uid={name},ou=people,{BASE}", "objectClass: inetOrgPerson", f"uid: {name}"]
    lines += [f"{key}: {value}" for key, value in (always | attributes).items()]
    return "\n".join([*lines, f"userPassword: {PASSWORD}", ""])


def _entries(people: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n"
    for unit in ("people", "groups"):
        yield f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n"
    role = "objectClass: organizationalRole\nobjectClass: simpleSecurityObject"
    for reader in (READER, HASTY):
        called = reader.partition(",")[0].removeprefix("cn=")
        yield f"dn: {reader}\n{role}\ncn: {called}\nuserPassword: {PASSWORD}\n"
    for number, name in enumerate(people):
        yield person_ldif(
            name, departmentNumber=f"Department {number % 7}", employeeNumber=f"C{number}"
        )
    for group, members in groups.items():
        named = "".join(f"member: uid={each},ou=people,{BASE}\n" for each in members)
        yield f"dn: cn={group},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {group}\n{named}"


def _certificates(home: Path) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    own = ("openssl", "req", "-x509", *key)
    ca = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
    subprocess.run([*own, *ca], cwd=home, check=True, capture_output=True)
    leaf = (
        *("-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=directory.test"),
        *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    )
    subprocess.run([*own, *leaf], cwd=home, check=True, capture_output=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"slapd ended with {process.returncode}")
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("slapd does not listen")
