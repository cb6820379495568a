"""Fixtures of several suites: SNMP agents that run once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration import snmp_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return the UDP port at which every recording answers, its name as community."""
    with snmp_lab.snmpsim(tmp_path_factory.mktemp("snmpsim")) as port:
        yield port


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[snmp_lab.Snmpd]:
    """Run Net-SNMP's agent, with users of version 3 and a recorded Printer MIB."""
    with snmp_lab.snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running
