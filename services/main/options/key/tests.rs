use access::{ApiKey, KeyKind, KeyRecord, Limits};
use clap::Parser;

use super::*;
use crate::options::Cli;

fn role(args: &[&str]) -> Result<Role, String> {
    let args = std::iter::once("mt5rest").chain(args.iter().copied());
    let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
    cli.role().map_err(|mistakes| mistakes.to_string())
}

fn key(args: &[&str]) -> Result<KeyRole, String> {
    let whole = [&["key"], args, &["--data", "books"]].concat();
    match role(&whole)? {
        Role::Key(role) => Ok(*role),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_made_with_the_limits_that_are_given() {
    let KeyTask::Create(new) = key(&["create", "--tenant", "acme"]).unwrap().task else { panic!() };
    assert_eq!((new.tenant.as_str(), new.kind, new.scopes, new.days), ("acme", KeyKind::Live, None, 365));
    assert_eq!(new.limits, Limits::default());
    let args = "create --tenant acme --kind test --scopes read,stream --demo-only --reduce-only=on --accounts 7,8 \
                --brokers Broker-Demo --networks 10.0.0.0/8,::1 --volume-max 0.5 \
                --rates orders=10/60s --expires 30";
    let args: Vec<&str> = args.split_whitespace().collect();
    let KeyTask::Create(new) = key(&args).unwrap().task else { panic!() };
    assert_eq!((new.kind, new.days), (KeyKind::Test, 30));
    assert_eq!(new.scopes.unwrap().to_string(), "read,stream");
    let expected = Limits {
        demo_only: true,
        reduce_only: true,
        accounts: vec![7, 8],
        brokers: vec!["Broker-Demo".into()],
        networks: vec!["10.0.0.0/8".into(), "::1/128".into()],
        volume_max: Some("0.5".parse().unwrap()),
        rates: "orders=10/60s".parse().unwrap(),
        ..Limits::default()
    };
    assert_eq!(new.limits, expected);
}

#[test]
fn only_what_is_given_of_a_key_changes() {
    let change = |args: &[&str], record: &mut KeyRecord| {
        let whole = [&["limits", "Ab12Cd34"], args].concat();
        let KeyTask::Change(_, change) = key(&whole).unwrap().task else { panic!() };
        change.apply(record, 1_000);
    };
    let limits = Limits { accounts: vec![7], demo_only: true, ..Limits::default() };
    let mut record =
        KeyRecord::new(&ApiKey::generate(KeyKind::Live), "read".parse().unwrap(), limits.clone(), 0, 5);
    let before = record.clone();
    change(&[], &mut record);
    assert_eq!(record, before);
    change(&["--volume-max", "2", "--scopes", "trade"], &mut record);
    assert_eq!((record.scopes.to_string().as_str(), record.expires_ms), ("trade", 5));
    assert_eq!(record.limits, Limits { volume_max: Some("2".parse().unwrap()), ..limits });
    change(&["--rates", "sockets=1/1s"], &mut record);
    assert_eq!(record.limits.rates.to_string(), "sockets=1/1s");
    change(
        &["--volume-max", "any", "--rates", "any", "--accounts", "any", "--demo-only=off", "--expires", "1"],
        &mut record,
    );
    assert_eq!((record.limits, record.expires_ms), (Limits::default(), 86_401_000));
}

#[test]
fn mistakes_about_keys_are_told_at_once() {
    let mistakes = key(&[
        "create",
        "--tenant",
        "Acme",
        "--kind",
        "best",
        "--scopes",
        "fly",
        "--accounts",
        "x,7,y",
        "--networks",
        "home",
        "--volume-max",
        "much",
        "--rates",
        "often",
        "--expires",
        "0",
        "--demo-only=perhaps",
    ])
    .unwrap_err();
    for option in [
        "--tenant",
        "--kind",
        "--scopes",
        "'x'",
        "'y'",
        "--networks",
        "--volume-max",
        "--rates",
        "--expires",
        "--demo-only",
    ] {
        assert!(mistakes.contains(option), "{option}: {mistakes}");
    }
    assert!(key(&["create", "--tenant", "a", "--scopes", ""]).unwrap_err().contains("revoke it instead"));
    for keep in ["8d", "x"] {
        assert!(key(&["rotate", "Ab12Cd34", "--keep", keep]).unwrap_err().contains("--keep"), "{keep}");
    }
    let KeyTask::Rotate { keep_days, .. } = key(&["rotate", "Ab12Cd34", "--keep", "7d"]).unwrap().task else {
        panic!()
    };
    assert_eq!(keep_days, 7);
    let whole = "mt5r_live_ab12CD34_Zz09Zz09Zz09Zz09Zz09Zz09Zz09Zz091M6FrA";
    let told = key(&["revoke", whole]).unwrap_err();
    assert!(told.contains("the eight characters") && !told.contains("Zz09"), "{told}");
    assert!(role(&["key", "list"]).unwrap_err().contains("where are the keys?"));
    assert!(key(&["list", "--redis-url", "redis://here"]).unwrap_err().contains("not both"));
}
