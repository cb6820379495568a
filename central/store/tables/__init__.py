"""The tables of the books, as SQLAlchemy Core metadata; the migrations build exactly these."""

from __future__ import annotations

from central.store.tables.accounts import account, member, schedule
from central.store.tables.audit import audit, audit_chain
from central.store.tables.base import Instant, instant, metadata, moment
from central.store.tables.books import (
    api_answer,
    api_token,
    charge,
    command,
    directory_row,
    entry,
    event,
    job,
    job_span,
    location,
    meta,
    node,
    posting,
    reclaim,
    request,
    stream,
    visit,
)
from central.store.tables.codes import code, courier
from central.store.tables.desk import refund_request, till_receipt, till_session
from central.store.tables.facts import (
    belonging,
    cohort,
    cohort_group,
    fact,
    fact_day,
    fact_mark,
    free_charge,
)
from central.store.tables.forks import branch_event, closure, mended
from central.store.tables.links import link_change, site_terminals
from central.store.tables.meters import (
    device_alert,
    device_state,
    device_terms,
    explanation,
    meter_booking,
    meter_reading,
    tally,
)
from central.store.tables.openid import openid_subject, registration
from central.store.tables.people import (
    card_holder,
    people_source,
    person,
    person_group,
    person_word,
)
from central.store.tables.privacy import privacy, retention_mark
from central.store.tables.reasons import decision, rule_set
from central.store.tables.recovery import (
    adopted_collection,
    adopted_reclaim,
    recovery_edge,
    second_log,
    standing,
)
from central.store.tables.terms import owed, terms
from central.store.tables.uploads import upload
from central.store.tables.web import (
    organisation,
    recovery_code,
    second_factor,
    setup_code,
    sign_in_try,
    staff,
    web_session,
)
from central.store.tables.webhooks import happening, webhook, webhook_mark, webhook_message

__all__ = [
    "Instant",
    "account",
    "adopted_collection",
    "adopted_reclaim",
    "api_answer",
    "api_token",
    "audit",
    "audit_chain",
    "belonging",
    "branch_event",
    "card_holder",
    "charge",
    "closure",
    "code",
    "cohort",
    "cohort_group",
    "command",
    "courier",
    "decision",
    "device_alert",
    "device_state",
    "device_terms",
    "directory_row",
    "entry",
    "event",
    "explanation",
    "fact",
    "fact_day",
    "fact_mark",
    "free_charge",
    "happening",
    "instant",
    "job",
    "job_span",
    "link_change",
    "location",
    "member",
    "mended",
    "meta",
    "metadata",
    "meter_booking",
    "meter_reading",
    "moment",
    "node",
    "openid_subject",
    "organisation",
    "owed",
    "people_source",
    "person",
    "person_group",
    "person_word",
    "posting",
    "privacy",
    "reclaim",
    "recovery_code",
    "recovery_edge",
    "refund_request",
    "registration",
    "request",
    "retention_mark",
    "rule_set",
    "schedule",
    "second_factor",
    "second_log",
    "setup_code",
    "sign_in_try",
    "site_terminals",
    "staff",
    "standing",
    "stream",
    "tally",
    "terms",
    "till_receipt",
    "till_session",
    "upload",
    "visit",
    "web_session",
    "webhook",
    "webhook_mark",
    "webhook_message",
]
