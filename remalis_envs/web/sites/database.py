"""The one database of a world: tables of a site's data, and of all that can change during an episode."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from remalis_envs.web.sites.drawing import Site, draw_site

STATE = """
CREATE TABLE episode (id INTEGER PRIMARY KEY, ended INTEGER, service TEXT, target INTEGER, detail TEXT);
CREATE TABLE draft (id INTEGER PRIMARY KEY, service TEXT, target INTEGER, slot TEXT, state TEXT, version INTEGER,
                    tab INTEGER);
CREATE TABLE draft_field (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE basket (id INTEGER PRIMARY KEY, service TEXT, target INTEGER, quantity INTEGER, tab INTEGER);
CREATE TABLE hold (service TEXT, target INTEGER, slot TEXT, tab INTEGER, PRIMARY KEY (service, target, slot));
CREATE TABLE slot (service TEXT, target INTEGER, slot TEXT, taken INTEGER, PRIMARY KEY (service, target, slot));
CREATE TABLE owned (entity TEXT, id INTEGER, status TEXT, PRIMARY KEY (entity, id));
CREATE TABLE pending (id INTEGER PRIMARY KEY, service TEXT, target INTEGER, detail TEXT, state TEXT);
CREATE TABLE event (id INTEGER PRIMARY KEY, date TEXT, time TEXT, title TEXT, source TEXT);
CREATE TABLE seen (what TEXT PRIMARY KEY, seen INTEGER) WITHOUT ROWID;
CREATE TABLE log (id INTEGER PRIMARY KEY, tab INTEGER, what TEXT, detail TEXT);
"""
"""``episode`` and ``draft`` always hold one row. ``seen`` holds a row for each page that a task watches: it is there
from the start, so that pages loaded at the same time leave the same bytes in whatever order they come."""
_SQL_TYPES = {"number": "NUMERIC", "money": "REAL", "flag": "INTEGER", "ref": "INTEGER"}


def connect(blob: bytes | None = None) -> sqlite3.Connection:
    """A database in memory; with the content of ``blob`` where there is one."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if blob is not None:
        db.deserialize(blob)
    return db


@lru_cache(maxsize=256)
def site_blob(domain_name: str, seed: int) -> bytes:
    """The database of a site before anybody has used it, as bytes."""
    return fresh(draw_site(domain_name, seed)).serialize()


def fresh(site: Site) -> sqlite3.Connection:
    """A new database that holds a site's data."""
    db = connect()
    db.execute("PRAGMA page_size = 4096")
    db.executescript("BEGIN;" + STATE)
    db.execute("INSERT INTO episode VALUES (1, 0, '', 0, '')")
    db.execute("INSERT INTO draft VALUES (1, '', 0, '', 'none', 0, -1)")
    for entity in site.domain.entities.values():
        columns = "".join(f', "{spec.name}" {_SQL_TYPES.get(spec.kind, "TEXT")}' for spec in entity.fields)
        db.execute(f'CREATE TABLE "data_{entity.name}" (id INTEGER PRIMARY KEY{columns})')
        add_rows(db, site, entity.name, 0)
    from remalis_envs.web.sites.mechanics import MECHANICS

    for service in site.domain.services.values():
        MECHANICS[service.mechanic].prepare(db, site, service)
    db.execute("COMMIT")
    return db


def add_rows(db: sqlite3.Connection, site: Site, entity: str, after: int) -> None:
    """Puts a site's rows of an entity into the database, those with an id above ``after``."""
    kind = site.domain.entities[entity]
    names = ["id", *(spec.name for spec in kind.fields)]
    marks = ", ".join("?" * len(names))
    rows = [tuple(row[name] for name in names) for row in site.rows[entity] if row["id"] > after]
    db.executemany(f'INSERT INTO "data_{entity}" VALUES ({marks})', rows)
    if kind.place == "account":
        db.executemany(
            "INSERT INTO owned VALUES (?, ?, 'active')",
            [(entity, row["id"]) for row in site.rows[entity] if row["id"] > after],
        )
