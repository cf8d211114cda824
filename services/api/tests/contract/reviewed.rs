//! Every difference between the known interface and ours that is meant, with its reason.

use crate::compare::Reviewed;

/// The reason of what calls with `filter` answer.
const FILTERED: &str =
    "the same, or what `filter` leaves of it, which lacks fields that ours says are always there";

/// The reason of what trades answer.
const TRIED: &str =
    "the same, or what the trade would come to where `dryRun`, which theirs lacks, asks for that";

/// The table. Whoever adds a line says why clients of the known interface do not suffer from it.
pub(crate) const REVIEWED: &[Reviewed] = &[
    // Rules.
    ("- schemas.*.nullable: true", "theirs may be null where ours always has a value"),
    ("+ schemas.*.required: true", "ours says which fields are always there: all of them"),
    ("+ *.minimum: 0", "ours says that a number is never negative"),
    ("+ *.maximum: 65535", "ours says where ports and statuses end"),
    ("+ *.format: \"password\"", "ours tells forms which values not to show"),
    ("+ *.timeFrame.values: *", "ours names the lengths that candles have"),
    ("+ *.timeframe.values: *", "ours names the lengths that candles have"),
    ("- *.reply.const: \"OK\"", "the same text; ours declares one type for texts"),
    // Defaults that theirs leaves unsaid.
    ("+ *.default: false", "a switch that is absent is off"),
    ("+ *.sort.default: \"OpenTime\"", "the first of the two values"),
    ("+ *.ascending.default: true", "a list without an order asked for has the oldest first"),
    ("+ *.interval.default: 0", "without an interval every change is sent"),
    ("+ *.msNotOlder.default: 0", "the last known quote is answered at once"),
    ("+ *.stoploss.default: 0.0", "no stop loss is a stop loss of 0"),
    ("+ *.takeprofit.default: 0.0", "no take profit is a take profit of 0"),
    ("+ *.lots.default: 0.0", "without lots the whole position is closed"),
    ("+ paths./RequiredMargin.get.parameters.type.default: \"DealBuy\"", "the first of the values"),
    ("+ paths./SubscribeOhlc.get.parameters.timeframe.default: 1", "the shortest candle"),
    ("+ paths./SubscribeOpenedOrdersTickets.get.parameters.interval.default: 1000", "a fixed pace needs one"),
    ("+ paths./PingHost.get.parameters.port.default: 443", "the port of Web Terminals"),
    // Parameters.
    (
        "~ paths./OrderModify*.get.parameters.stoploss.required: true -> false",
        "theirs accepts a call with one of the two stops, and takes the other as 0",
    ),
    (
        "~ paths./OrderModify*.get.parameters.takeprofit.required: true -> false",
        "theirs accepts a call with one of the two stops, and takes the other as 0",
    ),
    (
        "~ paths./ConnectProxy.get.parameters.proxyType.required: true -> false",
        "ConnectProxyEx has a default in theirs; ours has it in both",
    ),
    (
        "+ paths./ConnectProxy.get.parameters.proxyType.default: \"Socks5\"",
        "ConnectProxyEx has this default in theirs; ours has it in both",
    ),
    (
        "~ paths./ConnectionStatusAll.get.parameters.adminKey.required: true -> false",
        "who shows the key of a tenant needs no other to see its own sessions",
    ),
    (
        "~ paths./OpenedOrder.get.parameters.ticket.required: false -> true",
        "without a ticket there is nothing to answer; ours says which parameter is missing",
    ),
    (
        "- paths./Connect*.get.parameters.errorReplyStatusCode.default: 201",
        "absence leaves the status as it was for the session, which is 201 in the beginning",
    ),
    (
        "+ paths./Connect*.parameters.errorReplyStatusCode: *",
        "every connect call takes what Connect and ConnectEx take",
    ),
    (
        "+ paths./ConnectCert.post.parameters.reconnectOnSymbolUpdate: *",
        "every connect call takes what Connect and ConnectEx take",
    ),
    ("+ paths./OrderSendSafe.get.parameters.expertID: *", "clients send it under all names of this call"),
    (
        "+ paths./GetClients.get.parameters.adminKey: *",
        "tokens of others are shown to the administrator only",
    ),
    ("+ paths./On*.get.parameters.ids: *", "one socket may listen to several sessions"),
    ("+ paths./Events.get.parameters.ids: *", "one socket may listen to several sessions"),
    ("+ paths./On*.get.parameters.since: *", "who asks may come back without a gap"),
    ("+ paths./Events.get.parameters.since: *", "who asks may come back without a gap"),
    ("+ paths./On*.get.parameters.status: *", "who asks is told of a lost link as well"),
    ("+ paths./Events.get.parameters.status: *", "who asks is told of a lost link as well"),
    ("+ paths./ServerClock: *", "a call of ours: the server clock's past, by which times get a zone"),
    ("+ schemas.ServerClock: *", "what it answers"),
    ("+ schemas.EarlierClock: *", "a part of it"),
    ("+ paths./OnConnectionStatus: *", "a stream of ours: whether the link to the trade server is up"),
    ("+ schemas.LinkStatus: *", "what it carries"),
    ("+ schemas.EnumLinkState: *", "how it says so"),
    ("+ paths./OrderModify*.get.parameters.keepStops: *", "who asks may change one stop alone"),
    ("+ paths./LoginGovernor: *", "a call of ours, for the administrator of a cluster"),
    ("+ schemas.LoginState: *", "what it answers"),
    ("+ paths./QuarantinedSessions: *", "a call of ours, for the administrator of a cluster"),
    ("+ schemas.QuarantinedSession: *", "what it answers"),
    (
        "+ schemas.EnumErrorCode.values.SESSION_QUARANTINED: *",
        "a code of ours: the session is left alone, since workers die of it",
    ),
    (
        "+ schemas.EnumErrorCode.values.INVALID_API_KEY: *",
        "a code of ours: theirs has keys at paid hosts only",
    ),
    ("+ paths./*ApiKey*: *", "calls of ours: the administrator manages keys"),
    ("+ schemas.ApiKeyInfo: *", "what they answer"),
    ("+ paths./StreamTicket: *", "a call of ours: browsers open streams without showing their key"),
    ("+ paths./AccountGuards: *", "a call of ours: what an account must not lose or hold"),
    ("+ paths./SetAccountGuards: *", "the same"),
    ("+ paths./KillSwitch: *", "the same"),
    ("+ paths./ResetGuards: *", "the same"),
    ("+ schemas.GuardReport: *", "what they answer"),
    ("+ schemas.GuardState: *", "a part of it"),
    (
        "+ schemas.EnumErrorCode.values.GUARD_TRIPPED: *",
        "a code of ours: a guard lets through what reduces only",
    ),
    ("+ schemas.EnumErrorCode.values.GUARD_LIMIT: *", "a code of ours: an order is more than a guard allows"),
    ("+ paths./LicenseStatus: *", "a call of ours: what the service may do by its trial or licence"),
    ("+ schemas.LicenseStatus: *", "what it answers"),
    ("+ schemas.EnumLicenseStanding: *", "a part of it"),
    (
        "+ schemas.EnumErrorCode.values.LICENSE_REQUIRED: *",
        "a code of ours: the trial or the licence has ended",
    ),
    (
        "+ schemas.EnumErrorCode.values.LICENSE_SESSIONS_REACHED: *",
        "a code of ours: the licence allows no more",
    ),
    ("+ schemas.EnumErrorCode.values.REDUCE_ONLY: *", "a code of ours: only what reduces is allowed"),
    ("+ paths./ReleaseSessions: *", "a call of ours, for the administrator of a cluster"),
    // Bodies.
    ("+ paths./Connect*.post: *", "a way to keep the password out of addresses"),
    ("+ paths./ConnectCert.post.body.multipart/form-data.fields.*: {*", "the body may hold all parameters"),
    (
        "+ paths./DisconnectOrphans*.post.parameters.*: *",
        "the query may hold what is neither secret nor a file",
    ),
    (
        "+ paths./DisconnectOrphans*.post.body.multipart/form-data.fields.ids.required: true",
        "a list under another name, which theirs may have, must not drop every session",
    ),
    ("+ paths./DisconnectOrphans*.post.body.application/*: *", "without a file, simpler bodies do as well"),
    // Replies.
    (
        "- paths./IsQuoteSession.get.reply.anyOf: *",
        "theirs declares a list by mistake; the answer is true or false",
    ),
    ("+ paths./IsQuoteSession.get.reply.type: \"boolean\"", "the same"),
    ("- paths./SubscribeOrder*.get.reply.anyOf: *", "clients want the list of open orders"),
    ("+ paths./SubscribeOrder*.get.reply.*: *", "the same"),
    ("+ paths./ServerTimezone.get.reply.format: \"double\"", "there are zones of half an hour"),
    ("+ paths./ReadMe.get.reply: *", "theirs does not say that a page is a text"),
    ("+ paths./Events.get.reply.anyOf: *", "theirs does not say what the events are"),
    ("+ paths./SymbolSessionsExMany.get.reply.*: *", "theirs does not say what it answers"),
    ("+ paths./MemorySnapshot.get.reply.ref: *", "theirs does not say what it answers"),
    ("+ paths./GetClients.get.reply.*: *", "theirs does not say what it answers"),
    ("+ paths./DisconnectOrphans*.post.reply.*: *", "theirs does not say what it answers"),
    ("- paths./QuoteClient.get.reply.ref: *", FILTERED),
    ("+ paths./QuoteClient.get.reply.anyOf: [{\"ref\":\"MT5API\"},*", FILTERED),
    ("- paths./OrderHistory.get.reply.ref: *", FILTERED),
    ("+ paths./OrderHistory.get.reply.anyOf: [{\"ref\":\"OrderHistoryEventArgs\"},*", FILTERED),
    ("- paths./SymbolParamsMany.get.reply.*: *", FILTERED),
    (
        "+ paths./SymbolParamsMany.get.reply.anyOf: [{\"type\":\"array\",*{\"ref\":\"SymbolParams\"}*",
        FILTERED,
    ),
    ("- paths./Order*.get.reply.ref: \"Order\"", TRIED),
    ("+ paths./Order*.get.reply.anyOf: [{\"ref\":\"Order\"},{\"ref\":\"DryRun\"}]", TRIED),
    ("+ schemas.DryRun: *", "what a trade with dryRun answers"),
    ("+ schemas.Check: *", "a field of DryRun"),
    ("+ schemas.MarginChange: *", "a field of DryRun"),
    ("+ schemas.Costs: *", "a field of DryRun"),
    ("+ schemas.Request: *", "a field of DryRun"),
    // What ours has beyond theirs.
    (
        "+ paths./OrderHistoryDownloaded: *",
        "the name that texts of theirs give to OrderHistoryDownloadComplete",
    ),
    ("+ paths./OrderCancel: *", "the older name that OrderCancelTask would have"),
    ("+ paths./OrderCloseBy: *", "the older name that OrderCloseByTask would have"),
    ("+ paths./UnSubscribeTickValue: *", "what was begun can be ended"),
    ("+ paths./UnSubscribeMarketWatch: *", "what was begun can be ended"),
    ("+ schemas.MemorySnapshot: *", "what MemorySnapshot answers"),
    (
        "+ paths./MemorySnapshot.get.parameters.adminKey: *",
        "what a process holds tells of all accounts, so it is the administrator's",
    ),
    ("+ schemas.Problem: *", "errors for clients that go by HTTP"),
    ("+ schemas.VolumeDetails: *", "a field of Problem"),
    ("+ schemas.StopsDetails: *", "a field of Problem"),
    ("+ schemas.PriceDetails: *", "a field of Problem"),
    ("+ schemas.ExpirationDetails: *", "a field of Problem"),
    ("+ schemas.MarginDetails: *", "a field of Problem"),
    ("+ schemas.FreezeDetails: *", "a field of Problem"),
];
