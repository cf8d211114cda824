"""The definitions of the crate `statistics` calculated once more, to be compared with it.

Reads a history as JSON from standard input and writes trades, curve, figures and extrema as JSON. Written from the
definitions, with exact fractions wherever money or prices are involved, and with the plainest method for each figure.
Prices, volumes and money are whole units of 10^-8.
"""

import bisect
import functools
import json
import math
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction

ONE = 10**8
# The official client adds this to a figure before it cuts off: a half always goes up.
HALF = Fraction(5_000_001, 10_000_000)


def half_away(value):
    """A fraction rounded to a whole number, halves away from zero."""
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def client_round(value, digits):
    """A fraction rounded to so many digits as the official client does."""
    whole = math.floor(abs(value) * 10**digits + HALF)
    return Fraction(whole if value >= 0 else -whole, 10**digits)


def money_text(units):
    return str(units)


class Market:
    """Closes of candles, and rates made of them."""

    def __init__(self, question):
        self.candles = {}
        for symbol, candles in question["candles"].items():
            ordered = sorted(candles)
            starts = [candle[0] for candle in ordered] + [math.inf]
            self.candles[symbol] = [
                (min(candle[0] + question["period_ms"], starts[index + 1]), candle)
                for index, candle in enumerate(ordered)
            ]
        self.ends = {symbol: [end for end, _ in candles] for symbol, candles in self.candles.items()}
        self.pairs = {(base, profit): symbol for base, profit, symbol in question["pairs"]}

    def price(self, symbol, time):
        candles = self.candles.get(symbol, [])
        count = bisect.bisect_right(self.ends.get(symbol, []), time)
        if count:
            return candles[count - 1][1][4]
        if candles and candles[0][1][0] <= time:
            return candles[0][1][1]
        return None

    def step(self, base, quote, time):
        """What one unit of base is in quote, by a pair or by the reverse one."""
        for pair, is_reverse in [((base, quote), False), ((quote, base), True)]:
            if pair in self.pairs:
                units = self.price(self.pairs[pair], time)
                if units is not None and units > 0:
                    return Fraction(ONE, units) if is_reverse else Fraction(units, ONE)
        return None

    @functools.lru_cache(maxsize=None)
    def rate(self, base, quote, time):
        """Bid and ask are one, so that buying and selling have the same rate."""
        if base == quote:
            return Fraction(1)
        direct = self.step(base, quote, time)
        if direct is not None or "USD" in (base, quote):
            return direct
        first, second = self.step(base, "USD", time), self.step("USD", quote, time)
        return None if first is None or second is None else first * second


class Valuer:
    """Floating results in account currency, units."""

    def __init__(self, question, market):
        self.contracts = question["contracts"]
        self.currency = question["currency"]
        self.digits = question["digits"]
        self.market = market

    def profit(self, symbol, is_buy, volume, opened, price, time):
        terms = self.contracts.get(symbol)
        if terms is None or price is None:
            return None
        lots, start, end = Fraction(volume, ONE), Fraction(opened, ONE), Fraction(price, ONE)
        if terms["mode"] == "Forex":
            amount = lots * Fraction(terms["size"])
            digits = terms["profit_digits"]
            raw = client_round(end * amount, digits) - client_round(start * amount, digits)
        elif terms["mode"] == "Cfd":
            raw = (end - start) * lots * Fraction(terms["size"])
        elif terms["mode"] == "Futures":
            raw = (end - start) / Fraction(terms["tick_size"]) * Fraction(terms["tick_value"]) * lots
        else:
            raise ValueError(terms["mode"])
        rate = self.market.rate(terms["profit"], self.currency, time)
        if rate is None:
            return None
        result = client_round((raw if is_buy else -raw) * rate, self.digits)
        return int(result * ONE)


class Life:
    """One position: its trades, and what was open of it after each of its deals."""

    def __init__(self, deals, digits):
        self.minor = 10 ** (8 - digits)
        self.trades = []
        self.states = []  # time, is_buy, volume, price
        self.fresh()
        for deal in deals:
            self.take(deal)
            self.states.append((deal["time_ms"], self.is_buy, self.volume, self.price))
        self.times = [state[0] for state in self.states]
        self.close()

    def fresh(self):
        self.entries, self.exits, self.parts = [], [], []
        self.is_buy, self.volume, self.price = None, 0, 0
        self.booked = [0, 0, 0, 0]
        self.direction = None

    def take(self, deal):
        is_buy, entry, volume, price = deal["terms"]
        if entry == "In":
            self.enter(deal, is_buy, volume, price, deal["amounts"])
        elif entry == "InOut" and 0 < self.volume < volume:
            profit, swap, commission, fee = deal["amounts"]
            paid = [self.part(amount, self.volume, volume) for amount in (commission, fee)]
            opened = volume - self.volume
            self.leave(deal, is_buy, self.volume, price, [profit, swap] + paid)
            self.close()
            self.fresh()
            self.enter(deal, is_buy, opened, price, [0, 0, commission - paid[0], fee - paid[1]])
        else:
            self.leave(deal, is_buy, volume, price, deal["amounts"])

    def part(self, amount, part, whole):
        """What of an amount is of a part of a volume, rounded to the currency's digits."""
        if part >= whole:
            return amount
        return half_away(Fraction(amount * part, whole * self.minor)) * self.minor

    def enter(self, deal, is_buy, volume, price, amounts):
        if self.direction is None:
            self.direction = is_buy
        if self.volume == 0:
            self.is_buy, self.price = is_buy, price
        else:
            cost = self.volume * self.price + volume * price
            self.price = half_away(Fraction(cost, self.volume + volume))
        self.volume += volume
        self.entries.append((deal["time_ms"], volume, price))
        self.booked = [sum(pair) for pair in zip(self.booked, amounts)]

    def leave(self, deal, is_buy, volume, price, amounts):
        if self.direction is None:
            self.direction = not is_buy
        shares = [self.part(amount, volume, self.volume) for amount in self.booked]
        self.booked = [all_of - share for all_of, share in zip(self.booked, shares)]
        self.volume = max(0, self.volume - volume)
        self.exits.append((deal["time_ms"], volume, price, deal))
        self.parts.append([sum(pair) for pair in zip(amounts, shares)])

    @staticmethod
    def average(fills):
        cost = sum(fill[1] * fill[2] for fill in fills)
        return half_away(Fraction(cost, sum(fill[1] for fill in fills)))

    def close(self):
        if not self.exits:
            return
        last = self.exits[-1]
        amounts = [sum(column) for column in zip(*self.parts)]
        self.trades.append(
            {
                "position": last[3]["position"],
                "close_ticket": last[3]["ticket"],
                "symbol": last[3]["symbol"],
                "is_buy": self.direction,
                "volume": sum(one[1] for one in self.exits),
                "opened": [self.entries[0][0], self.average(self.entries)] if self.entries else None,
                "closed": [last[0], self.average(self.exits)],
                "amounts": amounts,
                "net": sum(amounts),
            }
        )

    def at(self, time):
        """What is open at a time, all deals of that time being done."""
        index = bisect.bisect_right(self.times, time)
        return self.states[index - 1] if index else None

    def before(self, time):
        index = bisect.bisect_left(self.times, time)
        return self.states[index - 1] if index else None


class Past:
    """The account's deals."""

    def __init__(self, question):
        self.question = question
        self.deals = sorted(question["deals"], key=lambda deal: (deal["time_ms"], deal["ticket"]))
        by_position = {}
        for deal in self.deals:
            if deal["kind"] == "trade":
                by_position.setdefault((deal["symbol"], deal["position"]), []).append(deal)
        self.lives = {key: Life(deals, question["digits"]) for key, deals in by_position.items()}
        trades = [trade for life in self.lives.values() for trade in life.trades]
        self.trades = sorted(trades, key=lambda trade: (trade["closed"][0], trade["close_ticket"]))

        self.amounts = [(deal["kind"], sum(deal["amounts"])) for deal in self.deals]

    def total(self, kinds, begin, end):
        """Of the deals of these kinds, from one place in the list to another."""
        return sum(amount for kind, amount in self.amounts[begin:end] if kind in kinds)


BALANCE = ("trade", "transfer", "charge")


def curve(past, market, valuer):
    question = past.question
    start, end = question["from_ms"], question["to_ms"]
    unvalued, points, levels = set(), [], []

    times = [deal["time_ms"] for deal in past.deals]
    first = bisect.bisect_left(times, start)

    def point(time, done, state_of):
        """One point, after so many deals."""
        balance = question["balance"] - past.total(BALANCE, done, None)
        credit = question["credit"] - past.total(("credit",), done, None)
        realized = past.total(("trade", "charge"), first, done)
        paid = past.total(("transfer",), first, done)
        lent = past.total(("credit",), first, done)
        floating = 0
        for (symbol, _), life in past.lives.items():
            state = state_of(life)
            if state is None or state[2] == 0:
                continue
            _, is_buy, volume, opened = state
            result = valuer.profit(symbol, is_buy, volume, opened, market.price(symbol, time), time)
            if result is None:
                unvalued.add(symbol)
            floating += result or 0
        equity = balance + credit + floating
        # Money paid in or out is taken off before values of different times are compared.
        levels.append((balance - paid, equity - paid - lent))
        peaks = [max(level[0] for level in levels) + paid, max(level[1] for level in levels) + paid + lent]
        falls = [peaks[0] - balance, peaks[1] - equity]
        percents = [
            float(Fraction(100 * fall, peak)) if peak > 0 else 0.0 for fall, peak in zip(falls, peaks)
        ]
        points.append(
            {
                "time_ms": time,
                "balance": balance,
                "equity": equity,
                "balance_drawdown": falls[0],
                "balance_drawdown_percent": percents[0],
                "equity_drawdown": falls[1],
                "equity_drawdown_percent": percents[1],
                "realized": realized,
                "unrealized": floating,
            }
        )

    point(start, first, lambda life: life.before(start))
    moments = {deal["time_ms"] for deal in past.deals if start <= deal["time_ms"] <= end}
    moments |= {moment for ends in market.ends.values() for moment in ends if start < moment <= end}
    for moment in sorted(moments):
        point(moment, bisect.bisect_right(times, moment), lambda life: life.at(moment))
    return points, unvalued


def without_repeats(points):
    same = lambda one, other: all(one[key] == other[key] for key in one if key != "time_ms")
    return [one for index, one in enumerate(points) if index == 0 or not same(one, points[index - 1])]


def deviation(values):
    """Of a sample of fractions."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def mean(values):
    return float(sum(values) / len(values)) if values else 0.0


def pips_of(trade, contracts):
    """A fraction, or None where it is not known."""
    terms = contracts.get(trade["symbol"])
    if terms is None or trade["opened"] is None:
        return None
    digits = terms["digits"]
    pip = Fraction(10 if digits in (3, 5) else 1, 10**digits)
    way = Fraction(trade["closed"][1] - trade["opened"][1], ONE) / pip
    return way if trade["is_buy"] else -way


def returns_of(past, trades):
    """Balance after by balance before of each closed trade, fractions."""
    found = []
    for trade in trades:
        place = next(n for n, deal in enumerate(past.deals) if deal["ticket"] == trade["close_ticket"])
        after = past.question["balance"] - past.total(BALANCE, place + 1, None)
        before = after - trade["net"]
        if before > 0:
            found.append(Fraction(after, before))
    return found


def dependence(nets):
    """Z-score and its probability in percent."""
    signs = [net > 0 for net in nets if net != 0]
    count, wins = len(signs), sum(signs)
    runs = 1 + sum(one != other for one, other in zip(signs, signs[1:]))
    product = 2 * wins * (count - wins)
    if count < 2 or product <= count:
        return 0.0, 0.0
    z = (count * (runs - 0.5) - product) / math.sqrt(product * (product - count) / (count - 1))
    return z, 100 * math.erf(abs(z) / math.sqrt(2))


def period_starts(now_ms):
    """Midnights that began the day, the week and the month."""
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    now = epoch + timedelta(milliseconds=now_ms)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [day, day - timedelta(days=now.weekday()), day.replace(day=1)]
    return [(start - epoch) // timedelta(milliseconds=1) for start in starts]


def stats(past, points):
    question = past.question
    trades = [trade for trade in past.trades if trade["closed"][0] >= question["from_ms"]]
    nets = [trade["net"] for trade in trades]
    won = [trade for trade in trades if trade["net"] > 0]
    lost = [trade for trade in trades if trade["net"] < 0]
    known = [(trade, pips_of(trade, question["contracts"])) for trade in trades]
    known = [(trade, pips) for trade, pips in known if pips is not None]
    lengths = [max(0, trade["closed"][0] - trade["opened"][0]) for trade in trades if trade["opened"]]
    returns = returns_of(past, trades)
    spread = deviation(returns)
    growth = math.prod(float(one) for one in returns) if all(one > 0 for one in returns) else 0.0
    z, probability = dependence(nets)
    gross_loss = -sum(trade["net"] for trade in lost)
    gross_profit = sum(trade["net"] for trade in won)

    def share(some, all_of):
        return [len(some), len(all_of), 100 * len(some) / len(all_of) if all_of else 0.0]

    def average(some):
        pips = [pips_of(trade, question["contracts"]) for trade in some]
        money = [Fraction(trade["net"], ONE) for trade in some]
        return [mean(money), mean([one for one in pips if one is not None])]

    def side(is_buy):
        every = [trade for trade in trades if trade["is_buy"] == is_buy]
        return share([trade for trade in every if trade["net"] > 0], every)

    def notable(pick, values, show):
        if not values:
            return None
        best = pick(value for _, value in values)
        trade = next(trade for trade, value in values if value == best)
        return [trade["position"], trade["closed"][0], show(best)]

    since = lambda start: sum(trade["net"] for trade in trades if trade["closed"][0] >= start)
    by_net = [(trade, trade["net"]) for trade in trades]
    by_symbol = {}
    for trade in trades:
        by_symbol[trade["symbol"]] = by_symbol.get(trade["symbol"], 0) + 1
    return {
        "open": [question["open_trades"], money_text(question["open_profit"])],
        "profits": [money_text(since(start)) for start in period_starts(question["now_ms"])] + [money_text(sum(nets))],
        "drawdowns": [money_text(max(p[key] for p in points)) for key in ("balance_drawdown", "equity_drawdown")],
        "drawdown_percents": [
            max(p[key] for p in points) for key in ("balance_drawdown_percent", "equity_drawdown_percent")
        ],
        "trades_by_symbol": by_symbol,
        "trades": len(trades),
        "won": share(won, trades),
        "lost": share(lost, trades),
        "longs_won": side(True),
        "shorts_won": side(False),
        "pips": float(sum(pips for _, pips in known)),
        "lots": sum(trade["volume"] for trade in trades),
        "costs": [money_text(sum(trade["amounts"][n] for trade in trades)) for n in (1, 2, 3)],
        "average_win": average(won),
        "average_loss": average(lost),
        "best_by_money": notable(max, by_net, money_text),
        "worst_by_money": notable(min, by_net, money_text),
        "best_by_pips": notable(max, known, float),
        "worst_by_pips": notable(min, known, float),
        "average_length_ms": sum(lengths) // len(lengths) if lengths else 0,
        "profit_factor": 0.0
        if not trades
        else min(float(Fraction(gross_profit, gross_loss)), 1e6) if gross_loss else 1e6,
        "standard_deviation": deviation([Fraction(net, ONE) for net in nets]),
        "ahpr": mean(returns) if returns else 1.0,
        "ghpr": growth ** (1 / len(returns)) if returns else 1.0,
        "sharpe_ratio": (mean(returns) - 1) / spread if spread else 0.0,
        "z_score": z,
        "probability": probability,
        "expectancy": average(trades),
    }


def extremum(trade, is_open, market, valuer):
    """Best and worst of a trade among its ends and the candles wholly within its life."""
    opened, price = trade["opened"]
    closed = math.inf if is_open else trade["closed"][0]
    looks = []  # when, price, when the rate is taken
    for end, (start, _, high, low, _) in market.candles.get(trade["symbol"], []):
        if start >= opened and end <= closed:
            looks += [(start, high, end), (start, low, end)]
    if not is_open:
        looks.append((closed, trade["closed"][1], closed))
    results = [(opened, 0)]
    for when, at, rate_at in looks:
        result = valuer.profit(trade["symbol"], trade["is_buy"], trade["volume"], price, at, rate_at)
        if result is not None:
            results.append((when, result))
    best, worst = max(result for _, result in results), min(result for _, result in results)
    first = lambda value: next(when for when, result in results if result == value)
    return [trade["position"], trade["symbol"], first(best), money_text(best), first(worst), money_text(worst)]


def texts(row, keys):
    return {key: money_text(value) if key in keys else value for key, value in row.items()}


def main():
    question = json.load(sys.stdin)
    market = Market(question)
    valuer = Valuer(question, market)
    past = Past(question)
    points, unvalued = curve(past, market, valuer)
    amounts = ("balance", "equity", "balance_drawdown", "equity_drawdown", "realized", "unrealized")
    complete = [trade for trade in past.trades if trade["opened"] and trade["symbol"] in question["contracts"]]
    answer = {
        "trades": [
            {**texts(trade, ("net",)), "amounts": [money_text(amount) for amount in trade["amounts"]]}
            for trade in past.trades
        ],
        "points": [texts(point, amounts) for point in points],
        "times_without_repeats": [point["time_ms"] for point in without_repeats(points)],
        "unvalued": sorted(unvalued),
        "stats": stats(past, points),
        "extrema": [extremum(trade, False, market, valuer) for trade in complete]
        + [extremum(trade, True, market, valuer) for trade in complete if trade["position"] % 4 == 0],
    }
    json.dump(answer, sys.stdout)


main()
