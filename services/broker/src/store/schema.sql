-- What a broker keeps. Prices, volumes and money are whole numbers of 10^-8, moments are milliseconds of the server
-- clock, symbols are names, enumerations are their numbers on the wire.

CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    now_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    login INTEGER PRIMARY KEY,
    -- As in a file of accounts, without anything secret.
    settings TEXT NOT NULL,
    -- Digests of passwords, and the secret of one-time codes.
    secrets TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    balance INTEGER NOT NULL DEFAULT 0,
    credit INTEGER NOT NULL DEFAULT 0,
    day_profit INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE positions (
    login INTEGER NOT NULL,
    id INTEGER NOT NULL,
    order_ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    price_open INTEGER NOT NULL,
    price_current INTEGER NOT NULL,
    sl INTEGER,
    tp INTEGER,
    profit INTEGER NOT NULL,
    rate_profit REAL NOT NULL,
    rate_margin REAL NOT NULL,
    commission INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY (login, id)
) STRICT;

-- Working orders, and those that ended.
CREATE TABLE orders (
    ticket INTEGER PRIMARY KEY,
    login INTEGER NOT NULL,
    -- Orders that ended are counted, in the order in which they did; working ones have no number.
    ended INTEGER,
    symbol TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    filling INTEGER NOT NULL,
    expiration INTEGER NOT NULL,
    expires_ms INTEGER,
    reason INTEGER NOT NULL,
    price INTEGER NOT NULL,
    limit_price INTEGER,
    price_current INTEGER NOT NULL,
    sl INTEGER,
    tp INTEGER,
    volume_initial INTEGER NOT NULL,
    volume_current INTEGER NOT NULL,
    placed_ms INTEGER NOT NULL,
    done_ms INTEGER,
    position INTEGER,
    position_by INTEGER,
    is_closing INTEGER NOT NULL,
    activation INTEGER NOT NULL,
    comment TEXT NOT NULL,
    rate_margin REAL NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX orders_of_account ON orders (login, ended);

CREATE TABLE deals (
    ticket INTEGER PRIMARY KEY,
    login INTEGER NOT NULL,
    order_ticket INTEGER,
    symbol TEXT,
    kind INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    price INTEGER NOT NULL,
    price_position INTEGER NOT NULL,
    sl INTEGER,
    tp INTEGER,
    volume INTEGER NOT NULL,
    profit INTEGER NOT NULL,
    rate_profit REAL NOT NULL,
    rate_margin REAL NOT NULL,
    commission INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    position INTEGER,
    time_ms INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    comment TEXT NOT NULL
) STRICT;
CREATE INDEX deals_of_account ON deals (login, ticket);

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
