"""The only room with SQL: tables, migrations, the ledger and its transactions."""
