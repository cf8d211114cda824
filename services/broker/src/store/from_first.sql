-- Orders count one to one in margin, as if nothing was to convert.
ALTER TABLE orders ADD COLUMN rate_margin REAL NOT NULL DEFAULT 1;

-- What operators change in symbols: JSON with the fields of the admin port.
CREATE TABLE symbols (
    name TEXT PRIMARY KEY,
    edits TEXT NOT NULL
) STRICT;

-- Days that operators have made holidays: JSON as the admin port takes it.
CREATE TABLE holidays (
    id INTEGER PRIMARY KEY,
    holiday TEXT NOT NULL
) STRICT;
