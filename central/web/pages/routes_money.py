"""All pages about jobs and money, in one table."""

from __future__ import annotations

from typing import Final

from central.web.pages import routes_job, routes_jobs, routes_refund, routes_refunds

PAGES: Final = (
    *routes_jobs.PAGES,
    *routes_job.PAGES,
    *routes_refund.PAGES,
    *routes_refunds.PAGES,
)
