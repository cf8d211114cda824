//! Interest in streams. It belongs to the session, not to a socket.

use crate::reply::{Order, Text};
use crate::{Names, TimeFrame};

calls! {
    /// Interest in streams.
    SubscriptionsCall tagged "Subscriptions" with id {
        /// Has /OnQuote and /Events carry the quotes of a symbol.
        Subscribe: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// Least time between two events of the symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Starts quotes of several symbols.
        SubscribeMany: change as stream of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
            /// Least time between two events of a symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
            /// Asks the trade server for all symbols in one request.
            force: bool = false,
        } -> Text;

        /// Ends quotes of a symbol.
        UnSubscribe: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> Text;

        /// Ends quotes of several symbols.
        UnSubscribeMany: change as stream of session {
            /// Names of symbols, one for each time the parameter is given. All when absent.
            symbols: Option<Names>,
        } -> Text;

        /// Sets the pace of profit updates on /OnOrderProfit and /Events, and lists everything open.
        SubscribeOrderProfit: change as stream of session {
            /// Least time between two events in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Vec<Order>;

        /// Ends profit updates.
        UnSubscribeOrderProfit: change as stream of session {} -> Text;

        /// Lists everything open; order updates arrive on /OnOrderUpdate and /Events without being asked for.
        SubscribeOrderUpdate: change as stream of session {} -> Vec<Order>;

        /// Lists the symbols with running quotes.
        SubscribedSymbols: read as read of session {} -> Vec<String>;

        /// Has /OnTickValue and /Events carry the tick values of a symbol.
        SubscribeTickValue: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// Least time between two events of the symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Ends tick values of a symbol.
        UnSubscribeTickValue: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> Text;

        /// Starts the day's figures of all symbols that the session has prices of; they arrive on /OnMarketWatch and /Events.
        SubscribeMarketWatch: change as stream of session {} -> Text;

        /// Ends the day's figures.
        UnSubscribeMarketWatch: change as stream of session {} -> Text;

        /// Starts order books of several symbols; they arrive on /OnOrderBook and /Events.
        SubscribeOrderBook: change as stream of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
            /// Least time between two events of a symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Ends order books of several symbols.
        UnsubscribeOrderBook: change as stream of session {
            /// Names of symbols, one for each time the parameter is given.
            symbols: Names,
        } -> Text;

        /// Starts running candles of a symbol; they arrive on /OnOhlc and /Events.
        SubscribeOhlc: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: Option<String>,
            /// Minutes in a candle; 1 when absent.
            timeframe: TimeFrame = TimeFrame::M1,
            /// Least time between two events of a candle in seconds; 0 sends every change.
            interval_s as "interval": u32 = 0,
        } -> Text;

        /// Ends running candles.
        UnsubscribeOhlc: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it. All when absent.
            symbol: Option<String>,
            /// Minutes in a candle. All when absent.
            timeframe: Option<TimeFrame>,
        } -> Text;

        /// Sets the pace of /OnOpenedOrdersTickets for sockets that name none.
        SubscribeOpenedOrdersTickets: change as stream of session {
            /// Time between two events in milliseconds.
            interval_ms as "interval": u32 = 1000,
        } -> Text;

        /// Starts a download of the ticks that this service has kept of a symbol since a day; portions arrive on
        /// /OnTickHistory, an empty one ends it.
        TickHistoryRequest: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
            /// The first day's year.
            year as "startYear": u32,
            /// The first day's month, 1 to 12.
            month as "startMonth": u32,
            /// The first day, 1 to 31.
            day as "startDay": u32,
        } -> Text;

        /// Stops that download.
        TickHistoryStop: change as stream of session {
            /// Name of the symbol, exactly as /SymbolList has it.
            symbol: String,
        } -> Text;
    }
}
