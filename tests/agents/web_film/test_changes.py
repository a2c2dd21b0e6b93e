"""What a step changed in a database, in words."""

from __future__ import annotations

import sqlite3

from remalis_agents.web_film.changes import changes, state_of


def test_rows_that_come_go_and_change_are_said_and_nothing_else():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(
        "CREATE TABLE draft (id INTEGER PRIMARY KEY, service TEXT, tab INTEGER);"
        "CREATE TABLE seen (what TEXT PRIMARY KEY, seen INTEGER) WITHOUT ROWID;"
        "CREATE TABLE loose (word TEXT);"
        "CREATE TABLE data_books (id INTEGER PRIMARY KEY, title TEXT);"
        "INSERT INTO draft VALUES (1, '', NULL); INSERT INTO seen VALUES ('a', 0), ('b', 0);"
        "INSERT INTO loose VALUES ('x'), ('y')"
    )
    before = state_of(db)
    assert changes(before, state_of(db)) == ()
    db.executescript(
        "UPDATE draft SET service = 'return', tab = 3; UPDATE seen SET seen = 1 WHERE what = 'b';"
        "DELETE FROM loose WHERE word = 'x'; INSERT INTO loose VALUES ('z'); INSERT INTO data_books VALUES (1, 'q')"
    )
    assert changes(before, state_of(db)) == (
        "draft: service “” → “return”, tab nothing → 3",
        "loose: gone: word “x”, rowid 1",
        "loose: new: word “z”, rowid 3",
        "seen b: seen 0 → 1",
    )
