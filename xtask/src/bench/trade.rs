//! Figure 4: what an order takes beyond the broker's answer, the journal in Redis included; beside it the same of the
//! service in one process, whose journal is in memory. The two take turns at one broker.

use std::net::SocketAddr;

use super::numbers::{Sample, now_us, times};
use super::tap::{Tap, Way};
use super::world::{Caller, World, connect};
use super::{Plan, Result, explained};

const ORDERS: usize = 300;
const WARM_UP: usize = 20;

/// One account, at a service, at the broker by way of a tap.
struct Trader {
    name: &'static str,
    tap: Tap,
    caller: Caller,
    token: String,
    whole: Vec<u64>,
    own: Vec<u64>,
    own_at_most: Vec<u64>,
    requests: usize,
}

impl Trader {
    async fn new(name: &'static str, front: SocketAddr, broker: SocketAddr, place: usize) -> Result<Self> {
        let tap = Tap::start(broker).await?;
        let token = connect(front, tap.address, place..place + 1).await?.swap_remove(0);
        let caller = Caller::new(front);
        let (whole, own, own_at_most) = Default::default();
        Ok(Self { name, tap, caller, token, whole, own, own_at_most, requests: 0 })
    }

    /// Opens a position and closes it; the opening is measured.
    async fn trade(&mut self, number: usize) -> Result<()> {
        let path = format!(
            "/OrderSend?id={}&symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=order-{number}",
            self.token
        );
        let begun = now_us();
        let reply = self.caller.get(&path).await.map_err(explained)?;
        let ended = now_us();
        if number >= WARM_UP {
            let asked = self.tap.between(Way::ToBroker, begun, ended);
            let answered = self.tap.between(Way::FromBroker, begun, ended);
            let first = answered.iter().find(|at| asked.first().is_some_and(|asked| *at > asked));
            let (Some(asked_at), Some(first), Some(last)) = (asked.first(), first, answered.last()) else {
                return Err(explained(format!("order {number} did not pass the tap")));
            };
            self.requests += asked.len();
            self.whole.push(ended - begun);
            self.own.push((ended - begun).saturating_sub(last - asked_at));
            self.own_at_most.push((ended - begun).saturating_sub(first - asked_at));
        }
        let order: serde_json::Value = serde_json::from_str(&reply).map_err(explained)?;
        let path = format!("/OrderClose?id={}&ticket={}", self.token, order["ticket"]);
        self.caller.get(&path).await.map(drop).map_err(explained)
    }

    fn samples(&mut self) -> Vec<Sample> {
        let name = self.name;
        let requests = self.requests as f64 / self.whole.len() as f64;
        let mut all = times(&format!("{name}: own cost of an order"), &mut self.own).to_vec();
        let most = format!("{name}: the same, counted from the broker's first answer on");
        all.extend(times(&most, &mut self.own_at_most));
        all.extend(times(&format!("{name}: whole time of an order"), &mut self.whole));
        all.push(Sample::new(format!("{name}: packets to the broker per order"), "", requests));
        all
    }
}

pub(super) async fn measure(plan: &Plan) -> Result<Vec<Sample>> {
    let world = World::start(&plan.program, &plan.folder, 2, 2).await?;
    let standalone = world.standalone().await?;
    let mut routed = Trader::new("api + worker", world.front(), world.broker.address, 0).await?;
    let mut alone = Trader::new("standalone", standalone.address, world.broker.address, 1).await?;
    for number in 0..WARM_UP + ORDERS {
        routed.trade(number).await?;
        alone.trade(number).await?;
    }
    Ok([routed.samples(), alone.samples()].concat())
}
