"""Makes generated requests meaningful, harmless, and bound to this machine.

Schemathesis knows names and types from the document, but no token, no ticket and no broker. Each hook below says why it
exists. What a request gets depends on the request alone, so that a run can be repeated.
"""

import datetime
import json
import os
import zlib

import requests
import schemathesis

SERVICE = os.environ["MT5REST_URL"]
BROKER_PORT = int(os.environ["MT5REST_BROKER_PORT"])
ADMIN_KEY = os.environ["MT5REST_ADMIN_KEY"]

# Nothing listens there.
CLOSED_PORT = 1
LOCAL = "127.0.0.1"
SYMBOLS = ["EURUSD", "GBPUSD", "USDJPY"]
# Order books are of exchanges.
BOOKED = ["AAPL"]

# These make or end sessions: they get no token of the session that the run lives on.
CONNECTS = {"/Connect", "/ConnectEx", "/ConnectProxy", "/ConnectProxyEx", "/ConnectCert"}
ENDS_SESSION = {"/Disconnect", "/ChangePassword"}
# These keep an account from trading: they get one that nobody else trades.
GUARDS = {"/KillSwitch", "/SetAccountGuards", "/ResetGuards"}

# What cannot succeed here, and why.
NEVER_SUCCEEDS = {
    "POST /ConnectCert": "the broker asks for no certificate, and random bytes are none",
    "GET /ConnectProxy": "no proxy runs",
    "POST /ConnectProxy": "no proxy runs",
    "GET /ConnectProxyEx": "no proxy runs",
    "POST /ConnectProxyEx": "no proxy runs",
    "POST /LoadServersDat": "always refused: the format is not public",
    "GET /Mails": "always refused: the protocol carries no mail",
    "GET /OrderCloseBy": "needs two positions against each other",
    "GET /OrderCloseByTask": "needs two positions against each other",
    "GET /OrderCancel": "needs a pending order",
    "GET /OrderCancelTask": "needs a pending order",
}


def call(name, **params):
    reply = requests.get(f"{SERVICE}/{name}", params, timeout=20)
    if reply.status_code != 200:
        raise RuntimeError(f"{name}: {reply.text}")
    return reply


def make_key():
    """The id of a new API key."""
    form = {"tenant": "acme", "adminKey": ADMIN_KEY}
    reply = requests.post(f"{SERVICE}/CreateApiKey", form, timeout=20)
    if reply.status_code != 200:
        raise RuntimeError(f"CreateApiKey: {reply.text}")
    return reply.text.split("_")[2]


def login():
    """A session on a new account of its own, so that no generated Connect shares it."""
    account = call("GetDemo", host=LOCAL, port=BROKER_PORT, deposit=100000, leverage=100).json()
    # With the history of positions, as some operations answer from it.
    params = {"host": LOCAL, "port": BROKER_PORT, "downloadOrderHistory": "true"}
    return call("Connect", user=account["login"], password=account["password"], **params).text


def open_position():
    return call("OrderSend", id=SESSION, symbol="EURUSD", operation="Buy", volume=0.01).json()["ticket"]


SESSION = login()
GUARDED = login()
KEY_ID = make_key()
CLOSED_TICKET = open_position()
call("OrderClose", id=SESSION, ticket=CLOSED_TICKET)


def throw_away():
    """A token whose session may end."""
    return call("Connect", user=1000002, password="demo", host=LOCAL, port=BROKER_PORT).text


def ticket(other_than=None):
    """A position of the session; one is opened when there is none."""
    open_now = [number for number in call("OpenedOrdersTickets", id=SESSION).json() if number != other_than]
    return open_now[0] if open_now else open_position()


class Dice:
    """Chances that follow from the request, so that the same request is repaired in the same way."""

    def __init__(self, case):
        text = json.dumps([case.method, case.path, case.query, case.body], default=repr, sort_keys=True)
        self.state = zlib.crc32(text.encode("utf-8", "surrogatepass"))

    def roll(self, sides):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 12) % sides

    def pick(self, values):
        return values[self.roll(len(values))]


@schemathesis.hook
def before_call(context, case, kwargs):
    dice = Dice(case)
    fields = [case.query] + ([case.body] if isinstance(case.body, dict) else [])
    for params in fields:
        stay_on_this_machine(params, dice)
        keep_to_the_declared_form(params)
        keep_refusals_apart_from_faults(params)
        if dice.roll(8) > 0:
            name_what_exists(case.path, params, dice)
    use_a_key_of_its_own(case, dice)
    spare_the_session(case, dice)
    ask_for_every_form(case, dice)


def stay_on_this_machine(params, dice):
    """No generated name is looked up and no generated address is dialled: hosts become this machine."""
    for name in ("host", "proxyHost"):
        if name in params:
            params[name] = [LOCAL, "localhost"] if isinstance(params[name], list) else LOCAL
    if isinstance(params.get("port"), list):
        params["port"] = [BROKER_PORT, CLOSED_PORT]
    elif isinstance(params.get("port"), int):
        params["port"] = dice.pick([BROKER_PORT, BROKER_PORT, BROKER_PORT, CLOSED_PORT])
    # What is no proxy at all may keep the service waiting until its own limit, thousands of times.
    if isinstance(params.get("proxyPort"), (int, list)):
        params["proxyPort"] = CLOSED_PORT
    for name in ("connectTimeoutSeconds", "connectTimeoutClusterMemberSeconds"):
        if isinstance(params.get(name), int):
            params[name] = min(params[name], 2)


def keep_to_the_declared_form(params):
    """The schemas are those of plain replies: who asks for tickets as texts gets strings where they say numbers."""
    for name in ("ticketsAsText", "zoned"):
        params.pop(name, None)


def keep_refusals_apart_from_faults(params):
    """A caller may ask for refusals of any status: then 200 is no success, 204 has no body, and 500 is no fault."""
    status = params.get("errorReplyStatusCode")
    if isinstance(status, int) and (200 <= status < 400 or 500 <= status < 600):
        params["errorReplyStatusCode"] = 400 + status % 100


def name_what_exists(path, params, dice):
    """Random text is an unknown token, symbol or ticket: most requests would be refused before anything happened."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    known = {
        "symbol": lambda: dice.pick(SYMBOLS),
        "symbols": lambda: BOOKED if "OrderBook" in path else SYMBOLS[: 1 + dice.roll(len(SYMBOLS))],
        "operation": lambda: dice.pick(["Buy", "Sell", params["operation"]]),
        "stoploss": lambda: round(0.5 + dice.roll(1000) / 10000, 4),
        "takeprofit": lambda: round(1.5 + dice.roll(1000) / 10000, 4),
        "volume": lambda: 0.01,
        "lots": lambda: 0.01,
        "user": lambda: 1000001,
        "password": lambda: "New-pass-1" if path == "/ChangePassword" else "demo",
        "server": lambda: "MT5Rest-Demo",
        "company": lambda: "MT5Rest",
        "adminKey": lambda: ADMIN_KEY,
        "apiKey": lambda: ADMIN_KEY,
        "from": lambda: (today - datetime.timedelta(days=1 + dice.roll(5))).isoformat(timespec="seconds"),
        "to": lambda: today.isoformat(timespec="seconds"),
        "startYear": lambda: today.year,
        "startMonth": lambda: today.month,
        "startDay": lambda: today.day,
        "year": lambda: today.year,
        "month": lambda: today.month,
        "day": lambda: today.day,
        "ticket": ticket,
        "tickets": lambda: [CLOSED_TICKET],
        "closeByTicket": lambda: ticket(other_than=params.get("ticket")),
    }
    of_keys = {
        "keyId": lambda: make_key() if path == "/RevokeApiKey" else KEY_ID,
        "tenant": lambda: "acme",
        "kind": lambda: dice.pick(["live", "test", "admin"]),
        "scopes": lambda: "read,trade",
        "accounts": lambda: "1000001",
        "brokers": lambda: "MT5Rest-Demo",
        "networks": lambda: "127.0.0.0/8",
        "volumeMax": lambda: "0.5",
        "rates": lambda: "requests=100/1s",
        "expires": lambda: 30,
        "keepDays": lambda: 1,
    }
    is_of_keys = path.endswith(("ApiKey", "ApiKeys"))
    if is_of_keys:
        known |= of_keys
    for name in params:
        # Of keys there are many, and one that makes no sense refuses all.
        if name in known and (is_of_keys or dice.roll(4) > 0):
            params[name] = known[name]()
    if "id" in params and path not in CONNECTS:
        params["id"] = SESSION


def use_a_key_of_its_own(case, dice):
    """The same generated key under many orders is a repetition with other parameters, and refused."""
    if case.headers is not None:
        case.headers.pop("Idempotency-Key", None)
    if "idempotencyKey" in case.query and dice.roll(8) > 0:
        case.query["idempotencyKey"] = f"key-{dice.state:x}"


def spare_the_session(case, dice):
    """The session lives as long as the run: what would end it gets another one, or a list that keeps it."""
    if case.path in ENDS_SESSION and case.query.get("id") == SESSION:
        case.query["id"] = throw_away() if case.path == "/Disconnect" else login()
    if case.path in GUARDS:
        for params in [case.query] + ([case.body] if isinstance(case.body, dict) else []):
            if params.get("id") == SESSION:
                params["id"] = GUARDED
    if case.path.startswith("/DisconnectOrphans"):
        case.query["ids"] = [SESSION, GUARDED]
        if isinstance(case.body, dict):
            case.body["ids"] = [SESSION, GUARDED]
            if dice.roll(2) > 0:
                case.body["adminKey"] = ADMIN_KEY


def ask_for_every_form(case, dice):
    """Texts have two forms and refusals have two; which one is answered depends on this header."""
    forms = ["*/*", "*/*", "application/json", "application/problem+json"]
    # Where a program gets a WebSocket, a browser gets a page.
    is_stream = "101" in case.operation.definition.raw["responses"]
    accept = dice.pick([*forms, "text/html"] if is_stream else forms)
    if case.headers is not None and "Accept" not in case.headers:
        case.headers["Accept"] = accept


def asked_for_problems(case):
    return "problem+json" in (case.headers or {}).get("Accept", "")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what the contract allows and these checks cannot know.

    Who asks for RFC 9457 gets 5xx for what others did wrong, such as a broker that cannot be reached; 500 is a fault.
    """
    if failure.kind_title == "Server error" and asked_for_problems(case):
        return response.status_code not in (501, 502, 503, 504)
    return True


@schemathesis.check
def refusals_are_told(context, response, case):
    """The document allows every status. The contract: a refusal is 201, or what was asked for, or one of HTTP itself."""
    if response.status_code in (200, 204, 301) or asked_for_problems(case):
        return
    body = case.body if isinstance(case.body, dict) else {}
    asked = case.query.get("errorReplyStatusCode") or body.get("errorReplyStatusCode")
    if not asked and response.status_code not in (201, 400, 404, 405, 413, 415, 426):
        raise AssertionError(f"a refusal with status {response.status_code}")
    refusal = response.json()
    if not (refusal["message"] and refusal["code"]):
        raise AssertionError("a refusal without message or code")


@schemathesis.check
class every_operation_succeeds:
    """An operation that never succeeds is not tested: then a hook is missing, or the service is broken."""

    def __init__(self):
        self.tested = set()
        self.succeeded = set()

    def after_response(self, context, response, case):
        self.tested.add(case.operation.label)
        # The root leads to the page of calls.
        if response.status_code in (200, 301):
            self.succeeded.add(case.operation.label)

    def after_run(self, context):
        call("AccountSummary", id=SESSION)
        never = self.tested - self.succeeded - NEVER_SUCCEEDS.keys()
        if never:
            raise AssertionError("these never succeeded: " + ", ".join(sorted(never)))
