"""All pages about jobs and money, in one table."""

from __future__ import annotations

from typing import Final

from central.web.pages import (
    routes_account,
    routes_account_acts,
    routes_accounts,
    routes_job,
    routes_jobs,
    routes_members,
    routes_receipts,
    routes_refund,
    routes_refunds,
    routes_till,
    routes_tills,
)

PAGES: Final = (
    *routes_jobs.PAGES,
    *routes_job.PAGES,
    *routes_refund.PAGES,
    *routes_refunds.PAGES,
    *routes_accounts.PAGES,
    *routes_account.PAGES,
    *routes_account_acts.PAGES,
    *routes_members.PAGES,
    *routes_tills.PAGES,
    *routes_till.PAGES,
    *routes_receipts.PAGES,
)
