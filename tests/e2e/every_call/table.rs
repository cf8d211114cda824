//! How each call is made rightly. Words in braces are filled in, see `Prepared`; `id` is added where the call takes a
//! session's.

/// What a right call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    /// Status 200.
    Done,
    /// Status 201 with this code: what the protocol cannot give.
    Refused(&'static str),
}

pub(super) use Comes::{Done, Refused};

/// Path, parameters, outcome.
pub(super) type Row = (&'static str, &'static str, Comes);

const RANGE: &str = "from=2020-01-01T00:00:00&to=2035-12-31T23:59:59";
const DAY: &str = "from=2026-01-05T00:00:00&to=2026-01-05T12:00:00";
const NEW: &str = "symbol=EURUSD&operation=Buy&volume=0.01";
const SYMBOLS: &str = "symbols=EURUSD&symbols=USDJPY";

/// Every call.
pub(super) fn rows() -> Vec<(String, String, Comes)> {
    let fixed = CALLS.iter().map(|(path, query, comes)| ((*path).to_owned(), (*query).to_owned(), *comes));
    let orders = ["OrderSend", "OrderSendSafe", "OrderSendTask"].map(|path| (path, NEW));
    let modifies = ["OrderModify", "OrderModifySafe", "OrderModifyTask"]
        .map(|path| (path, "ticket={position}&stoploss=1.0&takeprofit=1.3"));
    let closes = ["OrderClose", "OrderCloseSafe", "OrderCloseTask"].map(|path| (path, "ticket={position}"));
    let cancels = ["OrderCancelTask", "OrderCancel"].map(|path| (path, "ticket={pending}"));
    let closes_by =
        ["OrderCloseByTask", "OrderCloseBy"].map(|path| (path, "ticket={position}&closeByTicket={sell}"));
    let trades = orders.into_iter().chain(modifies).chain(closes).chain(cancels).chain(closes_by);
    let trades = trades.map(|(path, query)| (path.to_owned(), query.to_owned(), Done));
    let with = |path: &str, range: &str, more: &str| (path.to_owned(), format!("{range}&{more}"), Done);
    let ranges = [
        with("OrderHistory", RANGE, "sort=CloseTime&ascending=false&filter=orders"),
        with("PendingOrderHistory", RANGE, "sort=OpenTime"),
        with("OrderHistoryPagination", RANGE, "ordersPerPage=500&pageNumber=0&tickets={closed}&tickets=1"),
        with("OrderHistoryPaginationRelease", RANGE, "ordersPerPage=500"),
        with("HistoryPositionsByCloseTime", RANGE, ""),
        with("PriceHistory", DAY, "symbol=EURUSD&timeFrame=60"),
        with(
            "PriceHistoryV2",
            "from=2026-01-05T00:00:00.000Z&to=2026-01-05T12:00:00Z",
            "symbol=EURUSD&timeFrame=10",
        ),
        with("PriceHistoryMany", DAY, "symbol=EURUSD&symbol=USDJPY&timeFrame=240"),
        with("PriceHistoryHighLow", DAY, "symbol=EURUSD&timeFrame=30"),
        with("SubscribeMany", SYMBOLS, "interval=100&force=true"),
        with("UnSubscribeMany", SYMBOLS, ""),
        with("GetQuoteMany", SYMBOLS, "msNotOlder=0"),
        with("MarketWatchMany", SYMBOLS, ""),
        with("SymbolSessionsExMany", SYMBOLS, ""),
        with("IsTradeSessionMany", SYMBOLS, ""),
        with("IsQuoteSessionMany", SYMBOLS, ""),
        with("PriceHistoryTodayMany", SYMBOLS, "timeFrame=60"),
        with("PriceHistoryMonthMany", SYMBOLS, "year=2026&month=1&day=30&timeFrame=1440"),
    ];
    fixed.chain(trades).chain(ranges).collect()
}

const CALLS: &[Row] = &[
    // Connection
    ("Connect", "user={user}&password=demo&host={host}&port={port}", Done),
    ("ConnectEx", "user={user}&password=demo&server={server}&connectToNearestByPing=true", Done),
    ("ConnectProxy", "user={user}&password=demo&host={host}&port={port}&{proxy}", Done),
    ("ConnectProxyEx", "user={user}&password=demo&server={server}&{proxy}", Done),
    // The broker of this table has no TLS: a certificate that could not be shown must not be passed over in silence.
    (
        "ConnectCert",
        "user={user}&password=demo&host=ws%3A%2F%2F{host}&port={port}&pfxFile={pfx}&pfxFilePassword=secret",
        Refused("INVALID_CERTIFICATE"),
    ),
    ("ConnectByToken", "connectTimeoutSeconds=20", Done),
    ("CheckConnect", "", Done),
    ("ConnectionStatus", "", Done),
    ("ConnectionStatusAll", "adminKey={admin}", Done),
    ("Disconnect", "", Done),
    ("DisconnectOrphans", "adminKey={admin}&ids=a&ids=b&dryRun=true", Done),
    ("DisconnectOrphansCluster", "adminKey={admin}&ids=a&dryRun=true", Done),
    // Account
    ("Account", "", Done),
    ("AccountSummary", "", Done),
    ("AccountDetails", "", Done),
    ("OpenedOrders", "sort=OpenTime&ascending=true", Done),
    ("OpenedOrder", "ticket={position}", Done),
    ("OpenedOrdersTickets", "", Done),
    ("ClosedOrders", "", Done),
    ("QuoteClient", "", Done),
    ("ClusterDetails", "", Done),
    ("ChangePassword", "password=Strong1!&isInvestor=true", Done),
    ("Mails", "", Refused("METHOD_NOT_SUPPORTED")),
    ("RequiredMargin", "symbol=EURUSD&lots=0.5&type=DealSell&price=1.2", Done),
    ("UpdateProfits", "", Done),
    // Symbols
    ("Symbols", "", Done),
    ("SymbolList", "", Done),
    ("SymbolParams", "symbol=EURUSD", Done),
    ("SymbolParamsMany", "symbol=EURUSD&symbol=USDJPY&limit=1000", Done),
    ("SymbolSessions", "symbol=EURUSD", Done),
    ("SymbolSessionsEx", "symbol=EURUSD", Done),
    ("ServerTimezone", "", Done),
    ("ServerClock", "", Done),
    ("IsTradeSession", "symbol=EURUSD", Done),
    ("IsQuoteSession", "symbol=EURUSD", Done),
    ("GetTickValueMany", "symbol=EURUSD&symbol=USDJPY", Done),
    ("TickValueWithSize", "symbol=EURUSD&symbol=USDJPY", Done),
    ("GetQuote", "symbol=EURUSD&msNotOlder=0", Done),
    // History
    ("HistoryDealsByPositionId", "ticket={closed}", Done),
    ("HistoryPositions", "tickets={closed}&tickets=2", Done),
    ("OrderHistoryDownloadComplete", "", Done),
    ("OrderHistoryDownloaded", "", Done),
    // Prices
    ("PriceHistoryEx", "symbol=EURUSD&from=2026-01-05T12:00:00&numBars=7&timeFrame=15", Done),
    ("PriceHistoryExMany", "symbol=EURUSD&symbol=NOPE&from=2026-01-05T12:00:00&numBars=7&timeFrame=5", Done),
    ("PriceHistoryMonth", "symbol=EURUSD&year=2026&month=1&day=30&timeFrame=1440", Done),
    ("PriceHistoryToday", "symbol=EURUSD&timeFrame=1", Done),
    // Statistics
    ("EquityHistory", "from=2020-01-01T00:00:00&excludeSameBars=true", Done),
    ("TradeStats", "from=2020-01-01T00:00:00", Done),
    ("TradeStatsEquityHistory", "from=2020-01-01T00:00:00&excludeSameBars=true", Done),
    ("TradeUnrealizedPL", "from=2020-01-01T00:00:00", Done),
    // Subscriptions
    ("Subscribe", "symbol=EURUSD&interval=100", Done),
    ("UnSubscribe", "symbol=EURUSD", Done),
    ("SubscribedSymbols", "", Done),
    ("SubscribeOrderProfit", "interval=100", Done),
    ("UnSubscribeOrderProfit", "", Done),
    ("SubscribeOrderUpdate", "", Done),
    ("SubscribeOpenedOrdersTickets", "interval=100", Done),
    ("SubscribeTickValue", "symbol=EURUSD&interval=100", Done),
    ("UnSubscribeTickValue", "symbol=EURUSD", Done),
    ("SubscribeMarketWatch", "symbols=EURUSD", Done),
    ("UnSubscribeMarketWatch", "", Done),
    ("SubscribeOrderBook", "symbols={book}&interval=100", Done),
    ("UnsubscribeOrderBook", "symbols={book}", Done),
    ("SubscribeOhlc", "symbol=EURUSD&timeframe=1&interval=1", Done),
    ("UnsubscribeOhlc", "symbol=EURUSD&timeframe=1", Done),
    ("TickHistoryRequest", "symbol=EURUSD&startYear=2020&startMonth=1&startDay=1", Done),
    ("TickHistoryStop", "symbol=EURUSD", Done),
    // Service
    ("Ping", "", Done),
    ("Health", "", Done),
    ("Version", "", Done),
    ("ReadMe", "", Done),
    ("StreamTicket", "", Done),
    ("PingHost", "host={host}&port={port}", Done),
    ("PingHostMany", "host={host}&host={host}&port={port}&port=1", Done),
    ("Search", "company=MT5Rest", Done),
    ("SearchMQ", "company=demo", Done),
    ("LoadServersDat", "file=AAAA", Refused("METHOD_NOT_SUPPORTED")),
    ("GetDemo", "host={host}&port={port}&userName=Test%20Person&deposit=5000&leverage=100", Done),
    ("MetricsApiKey", "apiKey={admin}", Done),
    ("GetClients", "adminKey={admin}", Done),
    ("LoginGovernor", "adminKey={admin}", Done),
    ("QuarantinedSessions", "adminKey={admin}", Done),
    ("ReleaseSessions", "adminKey={admin}&ids=a", Done),
    ("LicenseStatus", "", Done),
    ("MemorySnapshot", "adminKey={admin}", Done),
    // Guards
    ("AccountGuards", "", Done),
    ("SetAccountGuards", "lotsMax=100", Done),
    ("KillSwitch", "", Done),
    ("ResetGuards", "", Done),
    // Keys
    (
        "CreateApiKey",
        "adminKey={admin}&tenant=acme&kind=test&scopes=read,stream&volumeMax=0.5&expires=30",
        Done,
    ),
    ("ListApiKeys", "adminKey={admin}&tenant=acme", Done),
    ("ShowApiKey", "adminKey={admin}&keyId={key}", Done),
    ("RotateApiKey", "adminKey={admin}&keyId={key}&keepDays=2", Done),
    ("LimitApiKey", "adminKey={admin}&keyId={key}&demoOnly=true&accounts=7,8", Done),
    ("RevokeApiKey", "adminKey={admin}&keyId={key}", Done),
];
