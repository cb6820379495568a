"""Who may do what in the site's CUPS: people submit, look and cancel their own; the edge does all.

The edge is known by the kernel's word for who is at the other end of the domain socket (PeerCred)
and must be in `SystemGroup` of cups-files.conf.
"""

from __future__ import annotations

from typing import Final

#: Where people may submit: CUPS's own name for the policy of every queue that names none.
PEOPLE_POLICY: Final = "default"
#: For printers' queues: nobody but the edge may put a job in.
PRINTER_POLICY: Final = "printmesh-printer"

_PRIVACY: Final = """\
  JobPrivateAccess @OWNER @SYSTEM
  JobPrivateValues none
  SubscriptionPrivateAccess @SYSTEM
  SubscriptionPrivateValues default
"""
_LOOK_AND_CANCEL: Final = """\
  <Limit Get-Printer-Attributes Get-Jobs Get-Job-Attributes CUPS-Get-Printers CUPS-Get-Default>
    Order deny,allow
  </Limit>
  <Limit Cancel-Job Cancel-My-Jobs>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
"""
_ALL_ELSE: Final = """\
  <Limit All>
    AuthType Default
    Require user @SYSTEM
    Order deny,allow
  </Limit>
"""
_SUBMIT: Final = """\
  <Limit Create-Job Print-Job Validate-Job Send-Document Close-Job>
    Order deny,allow
  </Limit>
"""

#: For cupsd.conf, with `DefaultAuthType Basic`.
OPERATION_POLICY: Final = (
    f"<Policy {PEOPLE_POLICY}>\n{_PRIVACY}{_SUBMIT}{_LOOK_AND_CANCEL}{_ALL_ELSE}</Policy>\n"
    f"<Policy {PRINTER_POLICY}>\n{_PRIVACY}{_LOOK_AND_CANCEL}{_ALL_ELSE}</Policy>\n"
)
