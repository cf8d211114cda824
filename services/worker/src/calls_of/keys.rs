//! Calls about API keys, for the administrator.

use std::net::IpAddr;

use access::{KeyChange, KeyId, KeyKind, Limits, ROTATION_KEEP_DAYS_MAX, Rates, Scopes, is_any, listed};
use calls::keys::{
    CreateApiKey, KeyLimits, LimitApiKey, ListApiKeys, RevokeApiKey, RotateApiKey, ShowApiKey,
};
use calls::reply::{ApiKeyInfo, Text};
use calls::{Handle, Secret};
use error::{Code, Error};
use link::IpNet;
use registry::{KEY_DAYS, KEY_DAYS_MAX, KeyError, KeyInfo, KeyManager, NewKey};

use crate::backend::{About, Caller};
use crate::session::unreachable;

impl Handle<CreateApiKey> for Caller<'_> {
    async fn handle(&self, call: CreateApiKey, _: About<CreateApiKey>) -> Result<Text, Error> {
        self.check_operator(call.limits.admin_key.as_ref())?;
        let tenant = call.tenant.trim().parse();
        let tenant =
            tenant.map_err(|_| Error::invalid_param("tenant", &call.tenant, "1 to 40 of a-z, 0-9 and -"))?;
        let kind = call.kind.as_deref().map_or(Ok(KeyKind::Live), |kind| {
            kind.trim().parse().map_err(|_| Error::invalid_param("kind", kind, "live, test or admin"))
        })?;
        let change = change(&call.limits)?;
        let mut limits = Limits::default();
        change.limit(&mut limits);
        let days = change.days.unwrap_or(KEY_DAYS);
        let new = NewKey { tenant, kind, scopes: change.scopes, limits, days };
        let key = self.keys().create(new).await.map_err(told)?;
        tracing::info!(id = %key.id(), "the administrator has made an API key");
        Ok(Text::new(key.expose()))
    }
}

impl Handle<ListApiKeys> for Caller<'_> {
    async fn handle(&self, call: ListApiKeys, _: About<ListApiKeys>) -> Result<Vec<ApiKeyInfo>, Error> {
        self.check_operator(call.admin_key.as_ref())?;
        let tenant = call.tenant.as_deref().map(|name| {
            name.trim().parse().map_err(|_| Error::invalid_param("tenant", name, "1 to 40 of a-z, 0-9 and -"))
        });
        let all = self.keys().list(tenant.transpose()?.as_ref()).await.map_err(told)?;
        Ok(all.iter().map(shown).collect())
    }
}

impl Handle<ShowApiKey> for Caller<'_> {
    async fn handle(&self, call: ShowApiKey, _: About<ShowApiKey>) -> Result<ApiKeyInfo, Error> {
        self.check_operator(call.admin_key.as_ref())?;
        let info = self.keys().show(&id(&call.key_id)?).await.map_err(told)?;
        Ok(shown(&info))
    }
}

impl Handle<RotateApiKey> for Caller<'_> {
    async fn handle(&self, call: RotateApiKey, _: About<RotateApiKey>) -> Result<Text, Error> {
        self.check_operator(call.admin_key.as_ref())?;
        if call.keep_days > ROTATION_KEEP_DAYS_MAX {
            return Err(Error::invalid_param("keepDays", &call.keep_days.to_string(), "0 to 7 days"));
        }
        let key = self.keys().rotate(&id(&call.key_id)?, call.keep_days).await.map_err(told)?;
        tracing::info!(id = %key.id(), "the administrator has given an API key a new secret");
        Ok(Text::new(key.expose()))
    }
}

impl Handle<LimitApiKey> for Caller<'_> {
    async fn handle(&self, call: LimitApiKey, _: About<LimitApiKey>) -> Result<ApiKeyInfo, Error> {
        self.check_operator(call.limits.admin_key.as_ref())?;
        let (id, change) = (id(&call.key_id)?, change(&call.limits)?);
        let keys = self.keys();
        keys.edit(&id, |record| change.apply(record, runtime::unix_ms())).await.map_err(told)?;
        tracing::info!(%id, "the administrator has changed an API key");
        Ok(shown(&keys.show(&id).await.map_err(told)?))
    }
}

impl Handle<RevokeApiKey> for Caller<'_> {
    async fn handle(&self, call: RevokeApiKey, _: About<RevokeApiKey>) -> Result<Text, Error> {
        self.check_operator(call.admin_key.as_ref())?;
        let id = id(&call.key_id)?;
        self.keys().revoke(&id).await.map_err(told)?;
        tracing::info!(%id, "the administrator has revoked an API key");
        Ok(Text::OK)
    }
}

impl Caller<'_> {
    /// Keys of all tenants are managed by who runs the service: with a key of kind admin, or the administrator's.
    fn check_operator(&self, given: Option<&Secret>) -> Result<(), Error> {
        if self.by.is_operator { Ok(()) } else { self.check_admin(given) }
    }

    fn keys(&self) -> KeyManager<'_> {
        KeyManager::new(self.worker.registry())
    }
}

fn id(text: &str) -> Result<KeyId, Error> {
    // It may be a whole key, which is not to be repeated.
    let refused = || Error::invalid_param("keyId", "***", "the eight characters after the kind in the key");
    text.trim().parse().map_err(|_| refused())
}

fn change(given: &KeyLimits) -> Result<KeyChange, Error> {
    let KeyLimits {
        scopes,
        demo_only,
        reduce_only,
        accounts,
        brokers,
        networks,
        volume_max,
        rates,
        expires,
        ..
    } = given;
    let scopes = scopes.as_deref().map(|text| {
        let scopes = text.parse::<Scopes>().ok().filter(|scopes| *scopes != Scopes::NONE);
        scopes.ok_or_else(|| {
            Error::invalid_param(
                "scopes",
                text,
                "one or more of read, trade, stream, connect and admin, with commas",
            )
        })
    });
    let accounts = accounts.as_deref().map(|text| {
        let logins = listed(text).into_iter().map(str::parse).collect::<Result<Vec<u64>, _>>();
        logins.map_err(|_| Error::invalid_param("accounts", text, "logins with commas, or any"))
    });
    let networks = networks.as_deref().map(|text| {
        let networks = listed(text).into_iter().map(network).collect::<Option<Vec<String>>>();
        networks.ok_or_else(|| {
            Error::invalid_param("networks", text, "networks such as 10.1.0.0/16 with commas, or any")
        })
    });
    let volume_max = volume_max.as_deref().map(|text| match text.trim() {
        text if is_any(text) => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Error::invalid_param("volumeMax", text, "lots with at most 8 digits after the point, or any")
        }),
    });
    let rates = rates.as_deref().map(|text| match text {
        text if is_any(text) => Ok(Rates::default()),
        text => text
            .parse()
            .map_err(|_| Error::invalid_param("rates", text, "rates such as orders=10/60s, or any")),
    });
    if let Some(days) = expires.filter(|days| !(1..=KEY_DAYS_MAX).contains(days)) {
        return Err(Error::invalid_param("expires", &days.to_string(), "1 to 3650 days"));
    }
    Ok(KeyChange {
        scopes: scopes.transpose()?,
        demo_only: *demo_only,
        reduce_only: *reduce_only,
        accounts: accounts.transpose()?,
        brokers: brokers.as_deref().map(|text| listed(text).into_iter().map(str::to_owned).collect()),
        networks: networks.transpose()?,
        volume_max: volume_max.transpose()?,
        rates: rates.transpose()?,
        days: *expires,
    })
}

fn network(text: &str) -> Option<String> {
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or(alone).ok().map(|network| network.to_string())
}

fn shown(KeyInfo { id, tenant, record, used_ms }: &KeyInfo) -> ApiKeyInfo {
    ApiKeyInfo {
        id: id.to_string(),
        tenant: tenant.to_string(),
        kind: record.kind.to_string(),
        scopes: record.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        demo_only: record.limits.demo_only,
        reduce_only: record.limits.reduce_only,
        accounts: record.limits.accounts.clone(),
        brokers: record.limits.brokers.clone(),
        networks: record.limits.networks.clone(),
        volume_max: record.limits.volume_max.map(|lots| lots.to_string()),
        rates: record.limits.rates.to_string(),
        created: record.created_ms,
        expires: record.expires_ms,
        revoked: record.revoked_ms,
        last_use: *used_ms,
    }
}

/// What did not work, in words for the administrator.
fn told(failure: KeyError) -> Error {
    let code = match &failure {
        KeyError::Registry(failure) => return unreachable(failure),
        KeyError::Unreadable(_) => return Error::internal(failure),
        KeyError::Unknown(_) => Code::NotFound,
        KeyError::Dead(_) => Code::InvalidData,
        KeyError::TenantFull(_) | KeyError::Full => Code::ConfigLimitReached,
        KeyError::Contended(_) => Code::ServerBusy,
    };
    Error::new(code, format!("It was not done: {failure}."))
}
