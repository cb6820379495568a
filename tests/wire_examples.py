"""One example of every message, as the golden payloads in `tests/fixtures/golden` hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import SecretStr

from broker import directory
from broker import messages as m
from config.policy.jobs import ColorMode, Sides, Source

if TYPE_CHECKING:
    from pydantic import BaseModel

NOW = datetime(2026, 11, 22, 9, 30, 15, 250000, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 9, 30, 45, tzinfo=UTC)
EVENT = UUID("019aaba6-0b12-7000-8000-00000000000e")
SESSION = UUID("019aaba6-0b12-7000-8000-000000000001")
EDGE = UUID("019aaba6-0b12-7000-8000-000000000002")
BOOKS = UUID("019aaba6-0b12-7000-8000-000000000003")
CORR = UUID("019aaba6-0b12-7000-8000-000000000004")
JOB = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
FAILED = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
CHARGE = UUID("019aaba6-0b12-7000-8000-000000000005")
GRANT = UUID("019aaba6-0b12-7000-8000-000000000006")
RECLAIM = UUID("019aaba6-0b12-7000-8000-000000000007")
COMMAND = UUID("019aaba6-0b12-7000-8000-000000000008")
SNAPSHOT = UUID("019aaba6-0b12-7000-8000-000000000009")
START, HEAD = m.Position(seq=0, hash="0" * 64), m.Position(seq=41, hash="ab" * 32)
PAID = (
    m.AccountAmount(account="user:ana", unit="EUR", micros=240_000),
    m.AccountAmount(account="department:physics", unit="page", micros=4_000_000),
)
ANALYSIS = m.Counted(source=Source.ANALYSIS, impressions=4, color_impressions=1, sheets=2)
DEVICE = m.Counted(source=Source.DEVICE_JOB, impressions=None, color_impressions=None, sheets=None)
PULSES = m.Counted(source=Source.DEVICE_METER, impressions=7, sheets=7, by="terminal")
TOTALISER = m.Counted(source=Source.DEVICE_METER, impressions=7, by="totaliser")
NOTE = m.Note(severity="critical", code="fork", subject="ledger", detail="two pasts", cleared=True)
PAPER = m.Note(severity="info", code="media-low", detail="Papier für Fach 2 bestellen — 紙")
ROWS: tuple[tuple[str, str, BaseModel | None], ...] = (
    (
        "user",
        "ana",
        directory.UserRow(
            name="ana",
            display="Ana",
            groups=("staff",),
            accounts=("user:ana", "department:physics"),
            enabled=False,
        ),
    ),
    ("card", directory.card_digest("04A2 24FF"), directory.CardRow(user="ana")),
    ("account", "user:ana", directory.AccountRow(account="user:ana", unit="EUR", enabled=False)),
    (
        "tariff",
        "7",
        directory.MODELS["tariff"].model_validate(
            {
                "version": 7,
                "unit": "EUR",
                "effective_from": NOW,
                "lines": [
                    {"per_impression": 50_000, "per_sheet": 10_000},
                    {
                        "service": "print",
                        "color": "color",
                        "media": "iso_a4",
                        "sides": "two-sided",
                        "printer": "lobby",
                        "per_impression": 200_000,
                    },
                ],
            }
        ),
    ),
    ("printer", "lobby", directory.PrinterRow(device="lobby", node="edge-1", name="Lobby")),
    ("setting", "currency", directory.SettingRow(value="EUR")),
    ("user", "gone", None),
)

#: name of the golden file → what it holds. A type may have several: `type` or `type, variant`.
EXAMPLES: dict[str, m.Message] = {
    "status": m.Status(online=True, session=SESSION, incarnation=EDGE),
    "status, will of a terminal": m.Status(online=False, session=SESSION),
    "coordinator": m.CoordinatorStatus(online=True, session=SESSION, epoch=2),
    "birth": m.Birth(
        corr=CORR,
        session=SESSION,
        incarnation=EDGE,
        software="printmesh 0.1.0",
        role="remote",
        enrolment="7Q4M-2J9X",
        epoch=2,
        up={"ledger": m.UpHeads(sent=HEAD, acked=START), "jobs": m.UpHeads(sent=HEAD, acked=HEAD)},
        down={"ledger": HEAD},
        directory=m.DirectoryCursor(epoch=2, n=17, digest="cd" * 32),
    ),
    "birth, the first": m.Birth(
        corr=CORR,
        session=SESSION,
        incarnation=EDGE,
        software="printmesh 0.1.0",
        role="agent",
        epoch=0,
        up={"ledger": m.UpHeads(sent=START, acked=START)},
        down={},
    ),
    "batch": m.Batch(
        stream="ledger",
        sender_incarnation=EDGE,
        receiver_incarnation=BOOKS,
        epoch=2,
        events=(
            m.Envelope(seq=41, hash="ab" * 32, data='{"type":"printmesh.returned.v1"}'),
            m.Envelope(seq=42, hash="ef" * 32, data=None, digest="01" * 32),
        ),
    ),
    "ack": m.Ack(
        stream="jobs", incarnation=EDGE, epoch=2, upto=41, hash="ab" * 32, one_at_a_time=True
    ),
    "opening": m.Opening(balances=PAID),
    "opening, of a fresh journal": m.Opening(),
    "charged": m.Charged(
        charge=CHARGE,
        job=JOB,
        attempt=1,
        user="ana",
        printer="lobby",
        service="print",
        tariff_version=7,
        counted=ANALYSIS,
        postings=PAID,
        printed_above=3,
        alone=True,
        settled_at=NOW,
    ),
    "returned": m.Returned(reclaim=RECLAIM, account="user:ana", unit="EUR", micros=0),
    "granted": m.Granted(
        grant=GRANT,
        account="user:ana",
        unit="EUR",
        micros=5_000_000,
        reason="requested",
        request=CORR,
    ),
    "reclaim": m.Reclaim(
        reclaim=RECLAIM, account="user:ana", unit="EUR", up_to=5_000_000, request=CORR
    ),
    "rejected": m.Rejected(stream="ledger", seq=41, reason="user:ana has not so much at edge-1"),
    "job-held": m.JobHeld(
        job=JOB,
        queue="print2me",
        user="ana",
        name="Übung 4 — 紙.pdf",
        received_at=NOW,
        counted=ANALYSIS,
    ),
    "job-held, rest": m.JobHeld(
        job=JOB,
        queue="print2me",
        user="ana",
        name="thesis.pdf",
        received_at=NOW,
        counted=ANALYSIS,
        rest_of=FAILED,
    ),
    "job-held, unreadable": m.JobHeld(
        job=JOB,
        queue="print2me",
        user="ana",
        name="",
        received_at=NOW,
        counted=None,
        problem="the document needs a password",
    ),
    "job-refused": m.JobRefused(
        job=JOB,
        user="ana",
        printer="lobby",
        reason="short",
        detail="0.20 EUR are missing on user:ana",
        alone=True,
    ),
    "job-released": m.JobReleased(
        job=JOB, attempt=1, user="ana", printer="lobby", held=PAID, alone=False
    ),
    "job-settled": m.JobSettled(
        job=JOB,
        attempt=1,
        printer="lobby",
        disposition="stopped",
        counts=(ANALYSIS, DEVICE),
        billed=ANALYSIS,
        charge=CHARGE,
        flag="sources disagree",
    ),
    "job-settled, rest": m.JobSettled(
        job=FAILED,
        attempt=1,
        printer="lobby",
        disposition="stopped",
        counts=(ANALYSIS, DEVICE),
        billed=DEVICE,
        charge=CHARGE,
        rest=JOB,
    ),
    "job-settled, stopped": m.JobSettled(
        job=FAILED,
        attempt=1,
        printer="lobby",
        disposition="stopped",
        counts=(ANALYSIS, DEVICE),
        billed=DEVICE,
        charge=CHARGE,
        stopped_by="otto",
        rest=JOB,
    ),
    "job-settled, large": m.JobSettled(
        job=JOB,
        attempt=1,
        printer="lobby",
        disposition="completed",
        counts=(ANALYSIS,),
        billed=ANALYSIS,
        charge=CHARGE,
        large=3,
    ),
    "job-settled, copied": m.JobSettled(
        job=JOB,
        attempt=1,
        printer="lobby",
        disposition="completed",
        counts=(PULSES, TOTALISER),
        billed=PULSES,
        charge=CHARGE,
    ),
    "job-settled, nothing charged": m.JobSettled(
        job=JOB,
        attempt=2,
        printer="lobby",
        disposition="canceled",
        counts=(),
        billed=m.Counted(source=Source.ANALYSIS, impressions=0),
        charge=None,
    ),
    "job-canceled": m.JobCanceled(job=JOB, by="edge", detail="older than 24 h"),
    "job-flagged": m.JobFlagged(job=JOB, cause="unknown-outcome", detail="gone from the spooler"),
    "directory": m.DirectoryRows(
        epoch=2,
        kind="snapshot",
        since=3,
        upto=17,
        snapshot=SNAPSHOT,
        part=1,
        last=False,
        digest="cd" * 32,
        rows=tuple(
            m.DirectoryRow.model_validate(
                {
                    "kind": kind,
                    "key": key,
                    "n": n,
                    "row": None if row is None else row.model_dump(mode="json"),
                }
            )
            for n, (kind, key, row) in enumerate(ROWS, 10)
        ),
    ),
    "funds-request": m.FundsRequest(
        corr=CORR, expires_at=LATER, account="user:ana", unit="EUR", micros=240_000, job=JOB
    ),
    "directory-request": m.DirectoryRequest(
        corr=CORR, expires_at=LATER, cursor=m.DirectoryCursor(epoch=2, n=17)
    ),
    "release-request": m.ReleaseRequest(
        corr=CORR, expires_at=LATER, job=JOB, printer="lobby", person=m.Person(card="04A224FF")
    ),
    "cancel-request": m.CancelRequest(
        corr=CORR, expires_at=LATER, job=JOB, person=m.Person(user="ana")
    ),
    "cancel-request, printing": m.CancelRequest(
        corr=CORR, expires_at=LATER, job=JOB, person=m.Person(session=SESSION), printing=True
    ),
    "jobs-request": m.JobsRequest(
        corr=CORR, expires_at=LATER, person=m.Person(user="ana"), held_only=False, after=JOB
    ),
    "status-request": m.StatusRequest(corr=CORR, expires_at=LATER),
    "verify-request": m.VerifyRequest(corr=CORR, expires_at=LATER),
    "reply": m.Reply(
        corr=CORR,
        status="refused",
        problem=m.Problem(code="short", detail="0.20 EUR are missing"),
        data={"where": [{"site": "edge-2", "micros": 200000, "linked": False}]},
    ),
    "reply, birth accepted": m.Reply(
        corr=CORR,
        status="ok",
        data=m.BirthAccepted(
            epoch=2, incarnation=BOOKS, up={"ledger": HEAD, "jobs": START}, down={"ledger": HEAD}
        ).model_dump(mode="json"),
    ),
    "reply, funds": m.Reply(
        corr=CORR,
        status="ok",
        data=m.FundsAnswer(
            coming=240_000,
            where=(
                m.MoneyAtSite(site="centre", micros=0, linked=True),
                m.MoneyAtSite(site="edge-2", micros=200_000, linked=False),
            ),
        ).model_dump(mode="json"),
    ),
    "command": m.Command(id=COMMAND, command="report-digest", args={"part": 3}, expires_at=LATER),
    "command, to release a job": m.Command(
        id=COMMAND,
        command="release-job",
        args={
            "user": "ana",
            "job": str(JOB),
            "printer": "lobby",
            "changes": {"sides": "two-sided-long-edge", "print_color_mode": "monochrome"},
            "confirmed": True,
        },
        expires_at=LATER,
    ),
    "command, to throw a job away": m.Command(
        id=COMMAND,
        command="cancel-job",
        args={"user": "ana", "job": str(JOB)},
        expires_at=LATER,
    ),
    "command, to say what a job would come to": m.Command(
        id=COMMAND,
        command="quote-job",
        args={"user": "ana", "job": str(JOB), "printer": "lobby", "changes": {"copies": 2}},
        expires_at=LATER,
    ),
    "command, to take a document": m.Command(
        id=COMMAND,
        command="take-document",
        args={
            "user": "ana",
            "upload": str(JOB),
            "name": "Thesis.pdf",
            "octets": 102_400,
            "sha256": "ab" * 32,
            "copies": 2,
            "sides": "two-sided-long-edge",
            "print_color_mode": "monochrome",
        },
        expires_at=LATER,
    ),
    "document-request": m.DocumentRequest(corr=CORR, expires_at=LATER, upload=JOB, offset=40_960),
    "reply, with a piece of a document": m.Reply(
        corr=CORR,
        status="ok",
        data=m.DocumentPiece(offset=40_960, piece="JVBERi0xLjcK").model_dump(mode="json"),
    ),
    "command, to let a pop-up in": m.Command(
        id=COMMAND,
        command="enrol-popup",
        args={"user": "ana", "node": "popup-7xk2m9qd", "hash": "ab" * 32},
        expires_at=LATER,
    ),
    "command-state, of a wish that was refused": m.CommandState(
        id=COMMAND,
        state="failed",
        detail="there is not enough money here",
        data={"code": "account-limit-reached", "because": [], "rules_version": 3},
    ),
    "command-state": m.CommandState(
        id=COMMAND,
        state="successful",
        detail="done",
        data=m.EdgeDigest(
            up=HEAD, down=HEAD, accounts=2, digest="ef" * 32, part=3, rows=PAID
        ).model_dump(mode="json"),
    ),
    "note": NOTE,
    "note, in many scripts": PAPER,
    "status, of a site": m.Status(online=True, session=SESSION, incarnation=EDGE, site="North"),
    "device": m.DeviceState(
        device="lobby",
        name="Lobby",
        state="stopped",
        reasons=("media-empty", "door-open"),
        updated_at=NOW,
    ),
    "site-terminals": m.SiteTerminals(
        terminals=(
            m.TerminalHere(terminal="hall-panel", online=True, since=NOW),
            m.TerminalHere(terminal="hall-reader", online=False, since=LATER),
        ),
        updated_at=LATER,
    ),
    "device, whole": m.DeviceState(
        device="lobby",
        name="Lobby",
        state="stopped",
        reasons=("media-jam-error",),
        updated_at=NOW,
        answers=True,
        message="Paper jam in tray 2",
        identity=m.DeviceIdentity(
            serial="SN-0001", maker="Acme", model="Acme 4000", address="192.0.2.7"
        ),
        supplies=(
            m.Supply(
                key="1",
                name="Black Toner",
                kind="toner",
                color="black",
                level=7,
                state="low",
                days_left=4,
            ),
            m.Supply(key="9", name="Waste", kind="waste-toner", state="some", receptacle=True),
        ),
        trays=(m.Tray(key="1", name="Tray 1", media="iso_a4_210x297mm", level=60, state="ready"),),
        covers=(m.Cover(name="Front Door", open=False),),
        meters=(m.Meter(name="total", value=120_034, source="snmp:prtMarkerLifeCount"),),
        troubles=(m.DeviceTrouble(code="jam", severity="critical", detail="Paper jam", since=NOW),),
        can=m.Capabilities(color=True, two_sided=True, media=("iso_a4",), formats=None),
        sources={"state": "ipp", "supplies": "snmp"},
    ),
    "meters-read": m.MetersRead(
        device="lobby",
        serial="SN-0001",
        why="day",
        day=date(2026, 7, 1),
        read_at=NOW,
        meters=(m.Meter(name="total", value=120_034, source="snmp:prtMarkerLifeCount"),),
        continues=True,
    ),
    "feed-device": m.FeedDevice(
        node="edge-1",
        device="lobby",
        name="Lobby",
        state="idle",
        answers=True,
        updated_at=NOW,
    ),
    "feed-job": m.FeedJob(
        job=JOB, node="edge-1", state="settled", printer="lobby", impressions=4, charged=PAID
    ),
    "feed-node": m.FeedNode(node="edge-1", linked=False, since=NOW, waiting=120),
    "feed-alert": m.FeedAlert(node="edge-1", note=NOTE),
    "birth, of wire 2": m.Birth(
        corr=CORR,
        session=SESSION,
        incarnation=EDGE,
        software="printmesh 0.2.0",
        role="tracker",
        epoch=2,
        up={"ledger": m.UpHeads(sent=HEAD, acked=START)},
        down={"ledger": HEAD},
        wire=2,
    ),
    "charged, past the allocation": m.Charged(
        charge=CHARGE,
        job=JOB,
        attempt=1,
        user="ana",
        printer="lobby",
        service="copy",
        tariff_version=7,
        rules_version=3,
        counted=ANALYSIS,
        postings=(
            m.AccountAmount(account="user:ana", unit="EUR", micros=40_000),
            m.AccountAmount(account="user:ana", unit="EUR", micros=200_000, covered_by="uncovered"),
            m.AccountAmount(
                account="department:physics", unit="page", micros=4_000_000, covered_by="account"
            ),
        ),
        alone=True,
        settled_at=NOW,
    ),
    "gave-back": m.GaveBack(
        id=GRANT, account="user:ana", unit="EUR", micros=60_000, why="job-over", job=JOB
    ),
    "redeemed": m.Redeemed(
        code=m.CodeMark(epoch=4, index=17),
        account="user:ana",
        unit="EUR",
        micros=2_000_000,
        user="ana",
        redeemed_at=NOW,
    ),
    "set-terms": m.SetTerms(
        terms=3,
        role="tracker",
        uncovered=(
            m.UncoveredCap(unit="EUR", site=500_000_000, user=20_000_000),
            m.UncoveredCap(unit="page"),
        ),
        offline_seconds=1_209_600,
    ),
    "terms-taken": m.TermsTaken(terms=3, role="tracker"),
    "collected": m.Collected(id=GRANT, account="user:ana", unit="EUR", micros=200_000),
    "codes-from": m.CodesFrom(epoch=4),
    "granted, for one job": m.Granted(
        grant=GRANT,
        account="user:ana",
        unit="EUR",
        micros=300_000,
        reason="requested",
        request=CORR,
        job=JOB,
    ),
    "granted, by a courier code": m.Granted(
        grant=GRANT,
        account="user:ana",
        unit="EUR",
        micros=2_000_000,
        reason="courier",
        code=m.CodeMark(epoch=4, index=17),
    ),
    "job-refused, by a rule": m.JobRefused(
        job=JOB,
        user="ana",
        printer="lobby",
        reason="denied-by-rule",
        detail="more than 500 pages are not printed in the library",
        alone=False,
        rules_version=3,
        because=(m.Because(code="rule", text="600 pages are over 500", rule="big jobs"),),
    ),
    "job-released, converted": m.JobReleased(
        job=JOB,
        attempt=1,
        user="ana",
        printer="copier",
        held=PAID,
        alone=False,
        tariff_version=7,
        rules_version=3,
        because=(m.Because(code="price", text="4 monochrome impressions at 0.05 EUR"),),
        conversions={"print-color-mode": "monochrome", "sides": "two-sided-long-edge"},
        redirected_from="lobby",
    ),
    "release-request, confirmed": m.ReleaseRequest(
        corr=CORR,
        expires_at=LATER,
        job=JOB,
        printer="lobby",
        person=m.Person(user="ana"),
        confirmed=True,
        account="project:apollo",
    ),
    "redeem-request": m.RedeemRequest(
        corr=CORR,
        expires_at=LATER,
        code="1234 5678 9012 3456 7890",
        person=m.Person(user="ana"),
        account="user:ana",
    ),
    "reply, redeemed": m.Reply(
        corr=CORR,
        status="ok",
        data=m.RedeemAnswer(
            account="user:ana", unit="EUR", micros=2_000_000, before=False, free=2_040_000
        ).model_dump(mode="json"),
    ),
    "command-state, events": m.CommandState(
        id=COMMAND,
        state="successful",
        data=m.ReportedEvents(
            stream="ledger",
            head=HEAD,
            events=(m.Envelope(seq=41, hash="ab" * 32, data='{"type":"printmesh.charged.v1"}'),),
        ).model_dump(mode="json"),
    ),
    "release-request, changed at the machine": m.ReleaseRequest(
        corr=CORR,
        expires_at=LATER,
        job=JOB,
        printer="lobby",
        person=m.Person(session=SESSION),
        changes=m.JobChanges(
            copies=2,
            sides=Sides.TWO_SIDED_LONG_EDGE,
            print_color_mode=ColorMode.MONOCHROME,
            page_ranges=((1, 3), (7, 7)),
        ),
    ),
    "jobs-request, of somebody else": m.JobsRequest(
        corr=CORR, expires_at=LATER, person=m.Person(session=SESSION), printer="lobby", of="ben"
    ),
    "job-released, by a delegate": m.JobReleased(
        job=JOB,
        attempt=1,
        user="ben",
        printer="lobby",
        held=PAID,
        alone=True,
        acting="delegate",
        changed={"copies": "2"},
    ),
    "identify-request": m.IdentifyRequest(
        corr=CORR, expires_at=LATER, card=SecretStr("04A224FF"), pin=SecretStr("2468")
    ),
    "identify-request, by password": m.IdentifyRequest(
        corr=CORR, expires_at=LATER, user="ana", password=SecretStr("a pass phrase")
    ),
    "identify-request, by another session": m.IdentifyRequest(
        corr=CORR, expires_at=LATER, session=SESSION
    ),
    "identify-request, at a machine": m.IdentifyRequest(
        corr=CORR, expires_at=LATER, card=SecretStr("04A224FF"), printer="north-1"
    ),
    "reply, identified": m.Reply(
        corr=CORR,
        status="ok",
        data=m.IdentifyAnswer(
            session=SESSION,
            user="ana",
            display="Ana",
            language="fr",
            operator=True,
            provisional=True,
            idle_seconds=60,
        ).model_dump(mode="json"),
    ),
    "sign-off-request": m.SignOffRequest(corr=CORR, expires_at=LATER, session=SESSION),
    "enrol-request": m.EnrolRequest(
        corr=CORR, expires_at=LATER, person=m.Person(session=SESSION), card=SecretStr("04A224FF")
    ),
    "reply, enrolled": m.Reply(
        corr=CORR,
        status="ok",
        data=m.EnrolAnswer(
            provisional=True,
            allowance=m.AccountAmount(account="user:ana", unit="EUR", micros=2_000_000),
        ).model_dump(mode="json"),
    ),
    "quote-request": m.QuoteRequest(
        corr=CORR,
        expires_at=LATER,
        person=m.Person(session=SESSION),
        job=JOB,
        printer="lobby",
        changes=m.JobChanges(copies=3),
        account="project:apollo",
    ),
    "reply, quoted": m.Reply(
        corr=CORR,
        status="ok",
        data=m.QuoteAnswer(
            allowed=False,
            price=PAID,
            question="print 600 pages?",
            refusal="this machine prints no colour",
            reason="printer-cannot",
            able=("copier",),
            because=(m.Because(code="price", text="4 monochrome impressions at 0.05 EUR"),),
            impressions=4,
            color_impressions=1,
            sheets=2,
            conversions={"sides": "two-sided-long-edge"},
        ).model_dump(mode="json"),
    ),
    "preview-request": m.PreviewRequest(
        corr=CORR,
        expires_at=LATER,
        person=m.Person(session=SESSION),
        job=JOB,
        page=2,
        width=320,
    ),
    "reply, previewed": m.Reply(
        corr=CORR,
        status="ok",
        data=m.PreviewAnswer(media_type="image/png", image="iVBORw0KGgo=", pages=12).model_dump(
            mode="json"
        ),
    ),
    "balance-request": m.BalanceRequest(
        corr=CORR, expires_at=LATER, person=m.Person(session=SESSION)
    ),
    "reply, balance": m.Reply(
        corr=CORR,
        status="ok",
        data=m.BalanceAnswer(
            lists=(
                (
                    m.WalletHere(
                        account="user:ana",
                        unit="EUR",
                        here=3_000_000,
                        elsewhere="1.20 EUR at South, which works alone",
                    ),
                ),
            ),
            choices=(
                m.WalletHere(
                    account="quota:ana.color",
                    unit="page",
                    here=0,
                    unlimited=True,
                    counts="color",
                    enabled=False,
                ),
            ),
            outside=500_000,
        ).model_dump(mode="json"),
    ),
    "site-state": m.SiteState(
        node="edge-1",
        site="North",
        role="remote",
        linked=False,
        since=NOW,
        waiting=214,
        out_of_service="the centre cannot be reached; your jobs stay here",
        copies=True,
        printers=(
            m.PrinterHere(printer="lobby", name="Lobby", color=False, two_sided=True, copies=True),
        ),
        zone="Europe/Madrid",
    ),
    "site-state, in all its words": m.SiteState(
        node="edge-1",
        site="North",
        role="tracker",
        linked=True,
        since=NOW,
        waiting=0,
        printers=(
            m.PrinterHere(
                printer="lobby",
                name="Lobby",
                color=True,
                two_sided=True,
                media=("iso_a3", "iso_a4"),
                state="stopped",
                reasons=("media-jam-error",),
            ),
        ),
        exposure=(
            m.Exposed(unit="EUR", owed=1_200_000, most=20_000_000),
            m.Exposed(unit="page"),
        ),
        rights=m.SiteRights(holds=False, rules=False, copies=False, alone=True),
        languages=("en", "fr"),
        pin_beside_card=True,
    ),
    "person-news": m.PersonNews(
        session=SESSION,
        what="asks",
        job=JOB,
        name="Übung 4 — 紙.pdf",
        text="print 600 pages?",
        choices=("yes", "no"),
        data={"job": str(JOB)},
    ),
    "person-news, signed off": m.PersonNews(
        session=SESSION, what="signed-off", text="this card is blocked; ask at the desk"
    ),
    "copy-began": m.CopyBegan(
        job=JOB,
        user="ana",
        printer="copier",
        held=PAID,
        alone=True,
        began_at=NOW,
        tariff_version=7,
        rules_version=3,
        because=(m.Because(code="price", text="up to 40 impressions"),),
    ),
    "operator-looked": m.OperatorLooked(
        user="olga", terminal="panel-1", owner="ana", job=JOB, looked_at=NOW
    ),
    "card-enrolled": m.CardEnrolled(
        card="ab" * 32, user="ana", terminal="panel-1", by="pin", enrolled_at=NOW
    ),
    "copy-begin-request": m.CopyBeginRequest(
        corr=CORR,
        expires_at=LATER,
        person=m.Person(session=SESSION),
        printer="copier",
        account="project:apollo",
        confirmed=True,
    ),
    "copy-count-request": m.CopyCountRequest(
        corr=CORR,
        expires_at=LATER,
        copy_id=JOB,
        counts=m.CopyCounts(monochrome=7, color=1, monochrome_large=2, color_large=3),
    ),
    "copy-end-request": m.CopyEndRequest(
        corr=CORR,
        expires_at=LATER,
        copy_id=JOB,
        counts=m.CopyCounts(monochrome=7),
        why="signed off",
    ),
    "copy-end-request, metered": m.CopyEndRequest(
        corr=CORR,
        expires_at=LATER,
        copy_id=JOB,
        counts=m.CopyCounts(monochrome=7),
        meter=m.MeterReading(total=81_007, kinds=m.CopyCounts(monochrome=80_000, color=1_007)),
    ),
    "reply, copying": m.Reply(
        corr=CORR,
        status="ok",
        data=m.CopyState(
            copy_id=JOB,
            go_on=True,
            settled=False,
            counts=m.CopyCounts(monochrome=7),
            cost=PAID,
            left=3_650_000,
            unit="EUR",
            pages_left=m.CopyCounts(monochrome=73, color=18),
            text="4.00 EUR are set aside",
        ).model_dump(mode="json"),
    ),
}
