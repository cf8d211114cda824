//! Calls about API keys, for the administrator: a key of kind admin, or whoever knows the administrator's key.

use crate::Secret;
use crate::reply::{ApiKeyInfo, Text};

params! {
    /// What a key allows.
    KeyLimits {
        /// What the key allows: read, trade, stream, connect and admin, with commas.
        scopes: Option<String>,
        /// Only accounts that their server reports as demo accounts.
        demo_only as "demoOnly": Option<bool>,
        /// Only orders that close, delete or protect.
        reduce_only as "reduceOnly": Option<bool>,
        /// Only these accounts, by login, with commas; any takes this away, here and below.
        accounts: Option<String>,
        /// Only these brokers, by the name of their server or the host of its Web Terminal, with commas.
        brokers: Option<String>,
        /// Only callers from these networks, such as 10.1.0.0/16,192.0.2.7.
        networks: Option<String>,
        /// Most lots of an order.
        volume_max as "volumeMax": Option<String>,
        /// How often something may be done instead of the usual, such as orders=10/60s,requests=100/1s.
        rates: Option<String>,
        /// For how many days from now on the key is good, up to 3650.
        expires: Option<u32>,
        /// The key that the administrator of this service has set.
        admin_key as "adminKey": Option<Secret>,
    }
}

calls! {
    /// Calls about API keys.
    KeysCall tagged "Keys" {
        /// Makes an API key and answers it: nobody sees it again. For the administrator, as all calls about keys.
        CreateApiKey: admin as admin of none posted {
            /// Whose key it is: a name of 1 to 40 of a-z, 0-9 and -.
            tenant: String,
            /// live, a customer's; test, a customer's for demo accounts only; or admin, the operator's.
            kind: Option<String>,
            /// What it allows: all but admin when no scopes are given; good for 365 days when none are.
            limits: KeyLimits,
        } -> Text;

        /// Lists API keys, without their secrets.
        ListApiKeys: read as admin of none {
            /// Only those of this tenant.
            tenant: Option<String>,
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<ApiKeyInfo>;

        /// Shows an API key, without its secret.
        ShowApiKey: read as admin of none {
            /// The eight characters after the kind in the key.
            key_id as "keyId": String,
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> ApiKeyInfo;

        /// Gives an API key a new secret and answers the whole key.
        RotateApiKey: admin as admin of none posted {
            /// The eight characters after the kind in the key.
            key_id as "keyId": String,
            /// For how many days the secret before stays good, up to 7.
            keep_days as "keepDays": u32 = 0,
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Text;

        /// Changes what an API key allows; what is not given stays.
        LimitApiKey: admin as admin of none posted {
            /// The eight characters after the kind in the key.
            key_id as "keyId": String,
            /// What changes.
            limits: KeyLimits,
        } -> ApiKeyInfo;

        /// Ends an API key for good: every front refuses it within a second, and closes its sockets.
        RevokeApiKey: admin as admin of none posted {
            /// The eight characters after the kind in the key.
            key_id as "keyId": String,
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Text;
    }
}
