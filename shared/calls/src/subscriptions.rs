//! Interest in streams. It belongs to the session, not to a socket.

use crate::reply::{Order, Text};
use crate::{Names, TimeFrame};

calls! {
    /// Interest in streams.
    SubscriptionsCall tagged "Subscriptions" with id {
        /// Starts quotes of a symbol; they arrive on /OnQuote and /Events.
        Subscribe {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Least time between two events of the symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Starts quotes of several symbols.
        SubscribeMany {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// Least time between two events of a symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
            /// Asks the trade server for all symbols in one request.
            force: bool = false,
        } -> Text;

        /// Ends quotes of a symbol.
        UnSubscribe {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> Text;

        /// Ends quotes of several symbols.
        UnSubscribeMany {
            /// Symbol names; repeat the parameter for each one. All when absent.
            symbols: Option<Names>,
        } -> Text;

        /// Sets the pace of profit updates on /OnOrderProfit and /Events, and lists everything open.
        SubscribeOrderProfit {
            /// Least time between two events in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Vec<Order>;

        /// Ends profit updates.
        UnSubscribeOrderProfit {} -> Text;

        /// Lists everything open; order updates arrive on /OnOrderUpdate and /Events without being asked for.
        SubscribeOrderUpdate {} -> Vec<Order>;

        /// Lists the symbols with running quotes.
        SubscribedSymbols {} -> Vec<String>;

        /// Starts tick values of a symbol; they arrive on /OnTickValue and /Events.
        SubscribeTickValue {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Least time between two events of the symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Ends tick values of a symbol.
        UnSubscribeTickValue {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> Text;

        /// Starts the day's figures of all symbols that the session has prices of; they arrive on /OnMarketWatch and /Events.
        SubscribeMarketWatch {} -> Text;

        /// Ends the day's figures.
        UnSubscribeMarketWatch {} -> Text;

        /// Starts order books of several symbols; they arrive on /OnOrderBook and /Events.
        SubscribeOrderBook {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
            /// Least time between two events of a symbol in milliseconds; 0 sends every change.
            interval_ms as "interval": u32 = 0,
        } -> Text;

        /// Ends order books of several symbols.
        UnsubscribeOrderBook {
            /// Symbol names; repeat the parameter for each one.
            symbols: Names,
        } -> Text;

        /// Starts running candles of a symbol; they arrive on /OnOhlc and /Events.
        SubscribeOhlc {
            /// Symbol name as the broker spells it, suffix included.
            symbol: Option<String>,
            /// Candle length in minutes; 1 when absent.
            timeframe: TimeFrame = TimeFrame::M1,
            /// Least time between two events of a candle in seconds; 0 sends every change.
            interval_s as "interval": u32 = 0,
        } -> Text;

        /// Ends running candles.
        UnsubscribeOhlc {
            /// Symbol name as the broker spells it, suffix included. All when absent.
            symbol: Option<String>,
            /// Candle length in minutes. All when absent.
            timeframe: Option<TimeFrame>,
        } -> Text;

        /// Sets the pace of /OnOpenedOrdersTickets for sockets that name none.
        SubscribeOpenedOrdersTickets {
            /// Time between two events in milliseconds.
            interval_ms as "interval": u32 = 1000,
        } -> Text;

        /// Starts a download of the ticks that this service has kept of a symbol since a day; portions arrive on
        /// /OnTickHistory, an empty one ends it.
        TickHistoryRequest {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
            /// Year of the first day.
            year as "startYear": u32,
            /// Month of the first day, 1 to 12.
            month as "startMonth": u32,
            /// The first day, 1 to 31.
            day as "startDay": u32,
        } -> Text;

        /// Stops that download.
        TickHistoryStop {
            /// Symbol name as the broker spells it, suffix included.
            symbol: String,
        } -> Text;
    }
}
