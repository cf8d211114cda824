"use strict";

const LOG_MAX = 100, UPDATES_MAX = 20, QUOTES_MAX = 300, RATE_WINDOW_MS = 3000, PAINT_MS = 150, RETRY_MS_MAX = 15000;
const $ = (id) => document.getElementById(id);

/* What was received. */
let socket = null, retry = null, attempt = 0, paused = false, dirty = false;
let count = 0, lastAt = 0, arrivals = [];
let quotes = new Map(), account = null, orders = null, updates = [], pending = [];

/* Connecting */

function streamUrl() {
  const base = location.pathname.replace(/\/static\/[^/]*$/i, "");
  const type = $("type").value;
  const path = type === "Events" ? "/Events" : "/On" + type;
  return (location.protocol === "https:" ? "wss://" : "ws://") + location.host + base + path
    + "?id=" + encodeURIComponent($("token").value.trim());
}

function connect() {
  disconnect();
  if (!$("token").value.trim()) { show("idle", "Give the token that Connect answered"); $("token").focus(); return; }
  const query = new URLSearchParams({ id: $("token").value.trim(), type: $("type").value });
  history.replaceState(null, "", "?" + query);
  const mine = socket = new WebSocket(streamUrl());
  show("wait", "Connecting…");
  mine.onopen = () => { if (mine === socket) { attempt = 0; show("open", "Connected, waiting for events"); } };
  mine.onmessage = (event) => { if (mine === socket) receive(event.data); };
  mine.onclose = (event) => { if (mine === socket) { socket = null; closed(event); } };
}

function disconnect() {
  clearTimeout(retry);
  retry = null;
  const old = socket;
  socket = null;
  if (old) old.close(1000);
}

/* 44xx and a normal end are final; everything else is a reason to come back. */
function closed(event) {
  const why = event.reason || (event.code === 1006 ? "Connection lost or refused" : "Closed");
  const text = why + " (code " + event.code + ")";
  if (event.code === 1000 || (event.code >= 4400 && event.code < 4500)) { show("fail", text); return; }
  const wait = Math.min(RETRY_MS_MAX, 500 * 2 ** attempt++) * (0.7 + Math.random() * 0.6);
  retry = setTimeout(connect, wait);
  show("wait", text + ". Trying again in " + Math.max(1, Math.round(wait / 1000)) + " s");
}

function show(state, text) {
  $("bar").dataset.state = state;
  $("state").textContent = text;
  $("connect").textContent = socket || retry ? "Disconnect" : "Connect";
}

/* Receiving */

function receive(raw) {
  const now = Date.now();
  count += 1;
  lastAt = now;
  arrivals.push(now);
  if (count === 1 || $("state").textContent.startsWith("Connected,")) show("open", "Connected");
  if (paused) return;
  let message;
  try { message = JSON.parse(raw); } catch { message = { type: "?", data: raw }; }
  const data = message.data;
  if (message.type === "Quote") takeQuote(data);
  if (message.type === "OrderProfit") { account = data; orders = data.orders || []; }
  if (message.type === "OrderUpdate") {
    account = data;
    orders = data.openedOrders || [];
    updates.unshift({ at: now, update: data.update || {} });
    updates.length = Math.min(updates.length, UPDATES_MAX);
  }
  pending.push({ now, type: String(message.type), said: summary(message.type, data), raw });
  if (pending.length > LOG_MAX) pending.shift();
  dirty = true;
}

function takeQuote(quote) {
  const before = quotes.get(quote.symbol);
  if (!before && quotes.size >= QUOTES_MAX) return;
  const trend = before && quote.bid !== before.bid ? Math.sign(quote.bid - before.bid) : before ? before.trend : 0;
  const digits = Math.max(before ? before.digits : 0, decimals(quote.bid), decimals(quote.ask));
  quotes.set(quote.symbol, { ...quote, trend, digits, ticks: (before ? before.ticks : 0) + 1 });
}

function summary(type, data) {
  if (data === null || typeof data !== "object") return String(data);
  if (type === "Quote") return data.symbol + "  " + data.bid + " / " + data.ask;
  if (type === "Ohlc") return data.symbol + " " + data.timeframe + " min  " + [data.open, data.high, data.low, data.close].join(" / ");
  if (type === "ConnectionStatus") return [data.status, data.sinceUTC, data.reason].filter(Boolean).join("  ");
  if (type === "TickHistory") return data.symbol + "  " + (data.bars || []).length + " ticks";
  if (type === "OrderBook") return data.symbol + "  " + Object.keys(data.bars || {}).length + " levels";
  if (type === "OrderProfit") return "profit " + money(data.profit) + ", equity " + money(data.equity) + ", " + (data.orders || []).length + " orders";
  if (type === "OrderUpdate" && data.update) {
    const order = data.update.order || {};
    return [data.update.type, order.symbol, order.orderType, order.lots, order.ticket && "#" + order.ticket].filter(Boolean).join("  ");
  }
  return JSON.stringify(data).slice(0, 200);
}

/* Painting */

const moneyFormat = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const money = (value) => Number.isFinite(value) ? moneyFormat.format(value) : "–";
const price = (value, digits) => value ? value.toFixed(digits) : "–";
const decimals = (value) => Math.min(8, (String(value).split(".")[1] || "").length);
const signClass = (value) => value > 0 ? "up" : value < 0 ? "down" : "";

function row(header, cells) {
  const tr = document.createElement("tr");
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = header;
  tr.append(th);
  for (const [label, text, className] of cells) {
    const td = document.createElement("td");
    td.dataset.label = label;
    const span = document.createElement("span");
    span.textContent = text ?? "–";
    td.append(span);
    if (className) td.className = className;
    tr.append(td);
  }
  return tr;
}

function paintAccount() {
  $("account-card").hidden = !account;
  if (!account) return;
  $("account-user").textContent = account.user ? "login " + account.user : "";
  const figures = [["Balance", account.balance], ["Equity", account.equity], ["Profit", account.profit, true], ["Margin", account.margin], ["Free margin", account.freeMargin], ["Credit", account.credit]];
  const nodes = figures.map(([name, value, signed]) => figure(name, money(value), signed ? signClass(value) : ""));
  nodes.push(figure("Margin level", account.marginLevel ? money(account.marginLevel) + " %" : "–", ""));
  $("account").replaceChildren(...nodes);
}

function figure(name, text, className) {
  const div = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd");
  dt.textContent = name;
  dd.textContent = text;
  dd.className = className;
  div.append(dt, dd);
  return div;
}

function paintOrders() {
  $("orders-card").hidden = !orders;
  if (!orders) return;
  $("orders-count").textContent = orders.length || "";
  $("orders-none").hidden = orders.length > 0;
  $("orders").replaceChildren(...orders.map((o) => row("#" + o.ticket, [
    ["Symbol", o.symbol], ["Kind", o.orderType], ["Lots", o.lots, "num"],
    ["Open", price(o.openPrice, o.digits), "num"], ["Now", price(o.closePrice, o.digits), "num"],
    ["Stop / take", price(o.stopLoss, o.digits) + " / " + price(o.takeProfit, o.digits), "num wide"],
    ["Profit", money(o.profit), "num " + signClass(o.profit)],
  ])));
}

function paintQuotes() {
  $("quotes-card").hidden = quotes.size === 0;
  $("quotes-count").textContent = quotes.size > 1 ? quotes.size + " symbols" : "";
  const sorted = [...quotes.values()].sort((a, b) => a.symbol < b.symbol ? -1 : 1);
  $("quotes").replaceChildren(...sorted.map((q) => row(q.symbol, [
    ["Bid", (q.trend > 0 ? "▲ " : q.trend < 0 ? "▼ " : "") + price(q.bid, q.digits), "num " + signClass(q.trend)],
    ["Ask", price(q.ask, q.digits), "num"],
    ["Spread", q.bid && q.ask ? (q.ask - q.bid).toFixed(q.digits) : "–", "num"],
    ["Server time", String(q.time || "").replace("T", " "), "wide"], ["Ticks", q.ticks, "num"],
  ])));
}

function paintUpdates() {
  $("updates-card").hidden = updates.length === 0;
  $("updates").replaceChildren(...updates.map(({ update }) => {
    const o = update.order || {};
    const at = update.type && update.type.includes("Close") ? o.closePrice : o.openPrice;
    return row(update.type || "?", [
      ["Ticket", o.ticket ? "#" + o.ticket : "–"], ["Symbol", o.symbol], ["Kind", o.orderType], ["State", o.state],
      ["Lots", o.lots, "num"], ["Price", price(at, o.digits ?? 5), "num"], ["Profit", money(o.profit), "num " + signClass(o.profit)],
    ]);
  }));
}

function paintLog() {
  for (const entry of pending) $("log").prepend(logEntry(entry));
  pending = [];
  while ($("log").children.length > LOG_MAX) $("log").lastElementChild.remove();
  $("log-none").hidden = $("log").children.length > 0;
}

function logEntry({ now, type, said, raw }) {
  const li = document.createElement("li"), details = document.createElement("details"), head = document.createElement("summary");
  const time = document.createElement("time"), kind = document.createElement("span"), text = document.createElement("span");
  const at = new Date(now);
  time.textContent = at.toLocaleTimeString([], { hour12: false }) + "." + String(at.getMilliseconds()).padStart(3, "0");
  time.dateTime = at.toISOString();
  kind.className = "kind";
  kind.textContent = type;
  text.className = "said";
  text.textContent = said;
  head.append(time, kind, text);
  details.append(head);
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("pre")) return;
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    try { pre.textContent = JSON.stringify(JSON.parse(raw), null, 2); } catch { pre.textContent = raw; }
    details.append(pre);
  });
  li.append(details);
  return li;
}

function paintFigures() {
  const now = Date.now();
  arrivals = arrivals.filter((at) => now - at < RATE_WINDOW_MS);
  const rate = arrivals.length / (RATE_WINDOW_MS / 1000);
  $("count").textContent = count.toLocaleString();
  $("rate").textContent = rate >= 10 || rate === 0 ? Math.round(rate) : rate.toFixed(1);
  $("age").textContent = lastAt ? ago((now - lastAt) / 1000) : "–";
}

function ago(seconds) {
  if (seconds < 1.5) return "now";
  if (seconds < 90) return Math.round(seconds) + " s ago";
  return Math.round(seconds / 60) + " min ago";
}

function paint() {
  paintFigures();
  if (!dirty || paused) return;
  dirty = false;
  paintAccount();
  paintOrders();
  paintQuotes();
  paintUpdates();
  paintLog();
}

/* Controls */

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket || retry) { disconnect(); show("idle", "Disconnected"); return; }
  attempt = 0;
  connect();
});
$("type").addEventListener("change", () => { if (socket || retry) { attempt = 0; connect(); } });
$("reconnect").addEventListener("click", () => { attempt = 0; connect(); });
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Resume" : "Pause";
});
$("clear").addEventListener("click", () => {
  count = 0; lastAt = 0; arrivals = []; pending = []; updates = [];
  quotes = new Map(); account = null; orders = null;
  $("log").replaceChildren();
  dirty = true;
  const wasPaused = paused;
  paused = false;
  paint();
  paused = wasPaused;
});

const query = new URLSearchParams(location.search);
const given = (name) => [...query].find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
const wanted = given("type").replace(/^on/i, "").toLowerCase();
for (const option of $("type").options) if (option.value.toLowerCase() === wanted) $("type").value = option.value;
$("token").value = given("id");
setInterval(paint, PAINT_MS);
if ($("token").value) connect();
