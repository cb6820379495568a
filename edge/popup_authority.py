"""The authority that a workstation has to be told of before it trusts the site's broker."""

from __future__ import annotations

import ssl


def own_authority(certificates: str) -> str | None:
    """Return those of a PEM file that signed themselves; None: workstations know who signed.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates)
    own = [
        der
        for der, seen in zip(
            context.get_ca_certs(binary_form=True), context.get_ca_certs(), strict=True
        )
        if seen["subject"] == seen["issuer"]
    ]
    # signed by an authority that is not in the file: the workstation has to know it
    return "".join(map(ssl.DER_cert_to_PEM_cert, own)) or None
