"""The quick start through the balancer of docker-compose.yml, over the death of the worker that owns the session.

Arguments: address of the balancer, name of the compose project.
"""

import json
import subprocess
import sys
import threading
import time

import requests
from websockets.sync.client import connect

BASE, PROJECT = sys.argv[1], sys.argv[2]
ACCOUNT = {"user": 1000001, "password": "demo", "host": "ws://broker", "port": 5001}
ORDER = {"symbol": "EURUSD", "operation": "Buy", "volume": 0.1, "idempotencyKey": "journey-1"}
# A session is with another worker within this time.
MOVED_MAX_S = 30
BEGUN = time.monotonic()


def say(text):
    print(f"  {time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


def docker(*args):
    return subprocess.run(["docker", *args], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def container(service):
    labels = {"project": PROJECT, "service": service}
    labels = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return docker("ps", "--quiet", "--all", *labels)


def get(name, **params):
    return requests.get(f"{BASE}/{name}", {"id": token, **params}, timeout=60)


def call(name, **params):
    reply = get(name, **params)
    if reply.status_code != 200:
        raise RuntimeError(f"{name}: {reply.status_code} {reply.text}")
    return reply.json()


def owner():
    """The worker that has the session, by what the registry says."""
    redis = container("redis")
    own = docker("exec", redis, "redis-cli", "HGET", f"mt5rest:session:{{{token}}}:record", "owner")
    info = docker("exec", redis, "redis-cli", "HGET", "mt5rest:{workers}:infos", own)
    names = [name for name in ("worker-1", "worker-2") if name in info]
    assert len(names) == 1, (own, info)
    return names[0]


class Profits:
    """Listens to profits as a client should: it comes back when the socket closes."""

    def __init__(self):
        self.last, self.closes, self.equity = 0.0, [], None
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        url = f"{BASE.replace('http', 'ws', 1)}/OnOrderProfit?id={token}"
        while True:
            try:
                with connect(url, open_timeout=10) as socket:
                    for frame in socket:
                        event = json.loads(frame)
                        if event["type"] == "OrderProfit":
                            self.last, self.equity = time.monotonic(), event["data"]["equity"]
                    self.closes.append(socket.protocol.close_code)
            except Exception as error:  # Nobody may be there for a moment.
                self.closes.append(repr(error))
                time.sleep(0.2)

    def wait(self, since, what):
        until = time.monotonic() + MOVED_MAX_S
        while self.last <= since:
            assert time.monotonic() < until, f"no profits {what}; the socket closed with {self.closes}"
            time.sleep(0.05)
        say(f"profits {what}: equity {self.equity}, closes so far {self.closes}")


def login():
    reply = requests.post(f"{BASE}/Connect", ACCOUNT, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.text


token = login()
say(f"connected, balance {call('AccountSummary')['balance']}")
say(f"EURUSD at {call('GetQuote', symbol='EURUSD')['bid']}")
ticket = call("OrderSend", **ORDER)["ticket"]
assert [order["ticket"] for order in call("OpenedOrders")] == [ticket]
say(f"opened #{ticket}")
profits = Profits()
profits.wait(0, "come")

victim = owner()
docker("kill", container(victim))
killed = time.monotonic()
say(f"killed {victim}, which had the session")
while (reply := get("AccountSummary")).status_code != 200:
    assert time.monotonic() < killed + MOVED_MAX_S, reply.text
    time.sleep(0.2)
say(f"the token answers {time.monotonic() - killed:.1f} s after that")
assert owner() != victim
again = call("OrderSend", **ORDER)["ticket"]
assert again == ticket, f"the same key gave #{again} instead of #{ticket}"
assert [order["ticket"] for order in call("OpenedOrders")] == [ticket]
say(f"the same key gives the same order, #{again}")
profits.wait(max(killed, time.monotonic()), "go on")

docker("start", container(victim))
docker("kill", container("api-1"))
say(f"started {victim}, killed api-1")
for _ in range(20):
    call("OpenedOrders")
profits.wait(time.monotonic(), "go on without api-1")
say(f"closed at {call('OrderClose', ticket=ticket)['closePrice']}")
assert call("OpenedOrders") == []
