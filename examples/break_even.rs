//! Opens a position and moves its stop to the opening price once it has earned enough.
//!
//! `cargo run --example break_even -- http://127.0.0.1:5000 1000001 demo 127.0.0.1 5001 EURUSD 0.1 5`

use std::error::Error;

use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Makes calls of one session; errors of the service become errors here.
struct Client {
    base: String,
    token: String,
}

impl Client {
    fn call(&self, name: &str, params: &[(&str, &str)]) -> Outcome<String> {
        let mut request = ureq::get(format!("{}/{name}", self.base)).query("id", &self.token);
        for (name, value) in params {
            request = request.query(name, value);
        }
        let mut response = request.call()?;
        let body = response.body_mut().read_to_string()?;
        // Every refusal has status 201 and says why in `message`.
        if response.status() == 200 { Ok(body) } else { Err(format!("{name}: {body}").into()) }
    }

    fn json(&self, name: &str, params: &[(&str, &str)]) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.call(name, params)?)?)
    }
}

fn connect(base: &str, user: &str, password: &str, host: &str, port: &str) -> Outcome<Client> {
    // By POST, so that the password stays out of the URL.
    let login = [("user", user), ("password", password), ("host", host), ("port", port)];
    let mut response = ureq::post(format!("{base}/Connect")).send_form(login)?;
    let body = response.body_mut().read_to_string()?;
    if response.status() != 200 {
        return Err(body.into());
    }
    Ok(Client { base: base.to_owned(), token: body })
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [base, user, password, host, port, symbol, lots, threshold] = args.as_slice() else {
        return Err("usage: break_even URL LOGIN PASSWORD HOST PORT SYMBOL LOTS THRESHOLD".into());
    };
    let threshold: f64 = threshold.parse()?;
    let client = connect(base, user, password, host, port)?;
    println!("connected as {user}");

    // Listen first: no profit is missed.
    let stream = format!("{}/OnOrderProfit?id={}", base.replacen("http", "ws", 1), client.token);
    let (mut profits, _) = tungstenite::connect(stream)?;
    client.call("SubscribeOrderProfit", &[("interval", "100")])?;

    let order = [("symbol", symbol.as_str()), ("operation", "Buy"), ("volume", lots.as_str())];
    let position = client.json("OrderSend", &order)?;
    let (ticket, open_price) = (position["ticket"].to_string(), position["openPrice"].to_string());
    println!("opened #{ticket}: {lots} lots of {symbol} at {open_price}");

    loop {
        let event: Value = serde_json::from_str(profits.read()?.to_text()?).unwrap_or_default();
        let orders = event["data"]["orders"].as_array().cloned().unwrap_or_default();
        let Some(mine) = orders.iter().find(|order| order["ticket"] == position["ticket"]) else { continue };
        let profit = mine["profit"].as_f64().unwrap_or_default();
        if profit >= threshold {
            client.call("OrderModify", &[("ticket", &ticket), ("stoploss", &open_price)])?;
            println!("profit is {profit}: the stop is at {open_price} now, nothing can be lost any more");
            break;
        }
    }
    profits.close(None)?;
    client.call("Disconnect", &[])?;
    println!("disconnected; the position stays with its stop");
    Ok(())
}
