"""What machines themselves count, what was billed at them, and how they were when last heard."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, text

from central.store.tables.base import Instant, RowId, metadata

#: Running totals of what was billed at a device (`central.tallies`), moved with each settlement.
tally = Table(
    "tally",
    metadata,
    Column("node", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("prints", BigInteger, nullable=False),
    Column("print_color", BigInteger, nullable=False),
    Column("print_sheets", BigInteger, nullable=False),
    Column("copies", BigInteger, nullable=False),
    Column("copy_color", BigInteger, nullable=False),
    Column("copy_sheets", BigInteger, nullable=False),
    Column("large", BigInteger, nullable=False),
    Column("unbilled", BigInteger, nullable=False),
    Column("doubtful", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: A machine's own counters as its edge read them, and the totals at that place of its stream.
meter_reading = Table(
    "meter_reading",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("node", Text, nullable=False),
    Column("device", Text, nullable=False),
    # The reading before of this device, whatever it is worth; none: the first.
    Column("before", RowId, ForeignKey("meter_reading.n")),
    Column("serial", Text),
    # start, day, reset, replaced or asked.
    Column("why", Text, nullable=False),
    # Which one ended, if one did, ISO 8601.
    Column("day", Text),
    Column("read_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    # JSON list of {name, unit, value, source}.
    Column("meters", Text, nullable=False),
    Column("continues", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    # Jobs and copies that were not settled then, and the pages they are known to have.
    Column("under_way", Integer, nullable=False),
    Column("under_way_pages", Integer, nullable=False),
    # JSON object: the totals of `tally` at that moment; none: it was told too late to know them.
    Column("tally", Text),
    # new: to be judged and booked; done; failed: set aside.
    Column("state", Text, nullable=False),
    Index("ix_meter_reading_device", "node", "device", "n"),
    Index("ix_meter_reading_day", "day", "node", "device"),
    Index(
        "ix_meter_reading_new",
        "n",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
)

#: What an administrator entered: pages that were nobody's, such as a technician's test pages.
explanation = Table(
    "explanation",
    metadata,
    Column("n", RowId, primary_key=True),
    Column("node", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("pages", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_explanation_device", "node", "device", "day"),
)

#: What the books know of a device that its edge does not: who pays for copies without a terminal.
device_terms = Table(
    "device_terms",
    metadata,
    Column("node", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    # Who pays for copies that no terminal counted; none: nobody.
    Column("account", Text),
    Column("service", Text, nullable=False),
    Column("media", Text, nullable=False),
    # As how many the machine counts one side of large paper.
    Column("large_factor", Integer, nullable=False),
    # Copies billed by terminals beyond what the meters have moved: taken off the next ones.
    Column("carried", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Copies between two readings that were booked to the device's account, or wait for its money.
meter_booking = Table(
    "meter_booking",
    metadata,
    Column("reading", RowId, ForeignKey("meter_reading.n"), primary_key=True),
    Column("node", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("monochrome", BigInteger, nullable=False),
    Column("color", BigInteger, nullable=False),
    Column("entry", RowId, ForeignKey("entry.n")),
    # booked; waiting, with its reason; dropped: nobody pays any more.
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(
        "ix_meter_booking_entry",
        "entry",
        sqlite_where=text("entry IS NOT NULL"),
        postgresql_where=text("entry IS NOT NULL"),
    ),
    Index(
        "ix_meter_booking_waiting",
        "reading",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

#: What the books themselves have to say of a device; the newest word may not be published yet.
device_alert = Table(
    "device_alert",
    metadata,
    Column("node", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    # unexplained-pages, copies-not-booked.
    Column("code", Text, primary_key=True),
    # The day it is about; empty: none.
    Column("day", Text, primary_key=True),
    Column("pages", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    # raised or cleared.
    Column("state", Text, nullable=False),
    # Whether that is published already.
    Column("told", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Index(
        "ix_device_alert_untold",
        "at",
        sqlite_where=text("told IS 0"),
        postgresql_where=text("told IS false"),
    ),
    sqlite_with_rowid=False,
)

#: A device as its edge told of it last.
device_state = Table(
    "device_state",
    metadata,
    Column("node", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    # JSON of the message.
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
