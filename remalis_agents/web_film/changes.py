"""What a step changed in the sites' database, in words."""

from __future__ import annotations

import sqlite3
from typing import Any

Row = dict[str, Any]
State = dict[str, dict[tuple[Any, ...], Row]]
"""Table -> primary key -> row."""
_NEVER = ("data_", "sqlite_")
"""Beginnings of names of tables that do not change during an episode."""
_LEFT_OUT = ("log",)


def state_of(db: sqlite3.Connection) -> State:
    """All that can change during an episode, as it is now."""
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: _rows(db, name) for name in names if not name.startswith(_NEVER) and name not in _LEFT_OUT}


def _rows(db: sqlite3.Connection, table: str) -> dict[tuple[Any, ...], Row]:
    columns = db.execute(f'PRAGMA table_info("{table}")').fetchall()
    names = [column[1] for column in columns]
    keys = [column[1] for column in columns if column[5]]
    chosen = "*" if keys else "*, rowid"
    rows = (dict(zip([*names, *([] if keys else ["rowid"])], row, strict=True)) for row in db.execute(
        f'SELECT {chosen} FROM "{table}"'
    ))  # fmt: skip
    return {tuple(row[key] for key in keys or ["rowid"]): row for row in rows}


def changes(before: State, after: State) -> tuple[str, ...]:
    """What is different, a sentence each."""
    found = []
    for table, rows in after.items():
        old = before.get(table, {})
        for key in dict.fromkeys((*old, *rows)):
            was, now = old.get(key), rows.get(key)
            if was == now:
                continue
            if was is None or now is None:
                found.append(f"{table}: {'gone' if now is None else 'new'}: {_row(was or now or {})}")
            else:
                where = f" {', '.join(map(str, key))}" if len(rows) > 1 else ""
                turned = (f"{name} {_value(was[name])} → {_value(now[name])}" for name in now if was[name] != now[name])
                found.append(f"{table}{where}: {', '.join(turned)}")
    return tuple(found)


def _row(row: Row) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in row.items() if value is not None)


def _value(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else "nothing" if value is None else str(value)
