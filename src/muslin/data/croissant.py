"""A ledger as Croissant metadata (MLCommons, croissant 1.0) and back. The one door to mlcroissant; extra `croissant`.

Written: croissant.json beside rights.csv, which it describes as a record set of one record a row. Read: such a record set from any
Croissant file that has one with a field `file` (and license or licence, author ...); else its licence and creators for all pictures.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.files import read_bytes, sha256, write_text
from muslin.base.rights import RESERVED, Rights, from_row, known_or_empty
from muslin.data.ledger import COLUMNS, Ledger

_SAME = {"license": "licence", "creator": "author", "url": "source", "name": "title", "path": "file", "filename": "file"}


def write_croissant(path: Path, ledger_file: Path, name: str, licences: list[str], authors: list[str]) -> Path:
    """Describe a ledger's file in `path`, in the same folder. Raises InputError without the extra, and DiskError."""
    mlc = _library()
    content = read_bytes(ledger_file)
    table = mlc.FileObject(
        id="ledger", name=ledger_file.name, content_url=ledger_file.name, encoding_formats=["text/csv"], sha256=sha256(content)
    )
    columns = [
        mlc.Field(
            id=f"pictures/{column}",
            name=column,
            data_types=mlc.DataType.TEXT,
            source=mlc.Source(file_object="ledger", extract=mlc.Extract(column=column)),
        )
        for column in COLUMNS
    ]
    about = mlc.Metadata(
        name=name,
        description=f"The rights of the pictures of {name}: one record for each picture or pattern of names.",
        license=[_address(licence) for licence in licences] or None,
        creators=[mlc.Person(name=author) for author in authors] or None,
        date_published=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        version="1.0.0",
        distribution=[table],
        record_sets=[mlc.RecordSet(id="pictures", name="pictures", fields=columns)],
    )
    return write_text(path, json.dumps(about.to_json(), indent=2, ensure_ascii=False, default=str) + "\n")


def read_croissant(path: Path) -> Ledger:
    """The rights that a Croissant file tells. Raises InputError where it tells none, or without the extra."""
    mlc = _library()
    read_bytes(path)
    try:
        found = mlc.Dataset(jsonld=str(path))
        tables = [table for table in found.metadata.record_sets if "file" in _columns(table).values()]
        rows = [_row(record, _columns(tables[0]), path) for record in found.records(tables[0].id)] if tables else []
    except InputError:
        raise
    except Exception as failure:  # the library raises what its parts raise: JSON's, pandas', rdflib's and its own
        raise InputError(f"{path}: cannot be read as Croissant ({_first_line(failure)}); mend it, or write rights.csv by hand") from failure
    if rows:
        return Ledger(tuple(rows))
    about = found.metadata
    licences = [str(getattr(licence, "url", None) or licence) for licence in about.license or ()]
    if not licences:
        raise InputError(f"{path}: tells neither a licence nor the rights of single pictures; write rights.csv by hand")
    authors = ", ".join(str(person.name) for person in about.creators or ())
    common = {"licence": " AND ".join(licences) if len(licences) > 1 else licences[0], "author": authors, "source": str(about.url or "")}
    return Ledger((("*", from_row(common, str(path))),))


def _row(record: dict[str, Any], columns: dict[str, str], path: Path) -> tuple[str, Rights]:
    plain = {columns[key]: _plain(value) for key, value in record.items() if key in columns}
    return plain["file"], from_row(plain, f"{path}: {plain['file']}")


def _columns(table: Any) -> dict[str, str]:
    """A record's keys to the ledger's columns."""
    names = {field.id: str(field.name or field.id).rsplit("/", 1)[-1].lower() for field in table.fields}
    mapped = {key: _SAME.get(name, name) for key, name in names.items()}
    return {key: column for key, column in mapped.items() if column in COLUMNS}


def _plain(value: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else "" if value is None else str(value)
    return "" if text == "nan" else text


def _address(licence: str) -> str:
    name = known_or_empty(licence)
    if not name or " " in name:
        return name if name != RESERVED else "LicenseRef-all-rights-reserved"
    return f"https://spdx.org/licenses/{name}.html"


def _first_line(failure: Exception) -> str:
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return lines[0] if lines else type(failure).__name__


def _library() -> Any:
    try:
        import mlcroissant
    except ImportError as failure:
        raise InputError("Croissant metadata needs an extra: pip install 'muslin[croissant]'") from failure
    return mlcroissant
