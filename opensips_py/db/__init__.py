"""Databases by URL, with the tables of OpenSIPS: one small set of operations, whatever keeps the rows.

What only drivers need (peewee, and what is built on it) stands in pooled, driver and sql: whoever has no database does
not load it.
"""
from opensips_py.db.breaker import Breaker
from opensips_py.db.conditions import Comparison, at_least, at_most, greater, less, one_of, unequal
from opensips_py.db.database import Asked, Database, Watcher
from opensips_py.db.failures import Conflict, DatabaseError, Hindered, QueryError, Unavailable
from opensips_py.db.pool import Pool
from opensips_py.db.schema import Column, Schema, Table, known_versions, schema
from opensips_py.db.session import Answer, Row, Session, Where
from opensips_py.db.url import DatabaseUrl
from opensips_py.db.values import as_bytes, as_text, moment, timestamp
from opensips_py.db.versions import columns_of, version_of

__all__ = [
    "Answer", "Asked", "Breaker", "Column", "Comparison", "Conflict", "Database", "DatabaseError", "DatabaseUrl",
    "Hindered", "Pool", "QueryError", "Row", "Schema", "Session", "Table", "Unavailable", "Watcher", "Where",
    "as_bytes", "as_text", "at_least", "at_most", "columns_of", "greater", "known_versions", "less", "moment", "one_of",
    "schema", "timestamp", "unequal", "version_of",
]
