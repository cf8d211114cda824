//! Calls that need no session.

use crate::reply::{
    AccountAnswer, Company, LicenseStatus as License, LoginState, MemorySnapshot as Memory,
    MetricAccountData, MetricsApiKeyResult, QuarantinedSession, Server,
};
use crate::{Many, Secret, Upload};

calls! {
    /// Calls that need no session.
    ServiceCall tagged "Service" {
        /// Opens a demo account and answers its login and passwords.
        GetDemo: change as connect of none dials {
            /// Host name or address of a Web Terminal endpoint.
            host: String,
            /// Its TCP port.
            port: u16,
            /// Holder's name.
            user_name as "userName": Option<String>,
            /// Account group or kind.
            acc_type as "accType": Option<String>,
            /// Holder's country.
            country: Option<String>,
            /// Holder's city.
            city: Option<String>,
            /// Holder's state.
            state: Option<String>,
            /// Holder's postal code.
            zip_code as "zipCode": Option<String>,
            /// Holder's street.
            address: Option<String>,
            /// Holder's phone.
            phone: Option<String>,
            /// Holder's mail address.
            email: Option<String>,
            /// Broker company.
            company_name as "companyName": Option<String>,
            /// Starting money in the deposit currency.
            deposit: Option<f64>,
            /// Leverage, such as 100 for 1:100.
            leverage: Option<u32>,
            /// Bit field of the request; passed on as it is.
            flags: Option<u32>,
        } -> AccountAnswer;

        /// Answers the milliseconds that a connection to an address takes.
        PingHost: read as connect of none dials {
            /// Host name or address.
            host: String,
            /// TCP port; 443 when absent.
            port: u16 = 443,
        } -> i32;

        /// Answers the milliseconds that connections to several addresses take; -1 for one that cannot be reached.
        PingHostMany: read as connect of none dials {
            /// Host names or addresses; repeat the parameter for each one.
            hosts as "host": Many<String>,
            /// TCP ports, one for each host.
            ports as "port": Many<u16>,
        } -> Vec<i32>;

        /// Finds servers in the broker directory by their company or name.
        Search also SearchMQ: read as read of none {
            /// Company or server name, or a part of it.
            company: String,
        } -> Vec<Company>;

        /// Decodes a servers.dat file of the desktop terminal. Its format is not public, so this call is always refused.
        LoadServersDat: read as read of none posted {
            /// The file.
            file: Option<Upload>,
        } -> Vec<Server>;

        /// Counts the sessions of a key.
        MetricsApiKey: read as read of all {
            /// The key.
            api_key as "apiKey": Option<Secret>,
        } -> MetricsApiKeyResult;

        /// Lists sessions: of a key's own, or all to the administrator.
        GetClients: read as read of all {
            /// The key that the administrator of this service has set, for all sessions.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<MetricAccountData>;

        /// Lists brokers and accounts with logins of late, and how many more may be made at once, to the administrator.
        LoginGovernor: read as admin of none {
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<LoginState>;

        /// Lists sessions that nobody takes over for a while, since the workers that did have died of it, to the administrator.
        QuarantinedSessions: read as admin of none {
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<QuarantinedSession>;

        /// Ends the quarantine of sessions, so that workers take them over again, and answers their tokens, for the administrator.
        ReleaseSessions: admin as admin of none posted {
            /// Tokens; repeat the parameter for each one.
            ids: Many<String>,
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<String>;

        /// Answers what this service may do by its trial or licence, and until when.
        LicenseStatus: read as read of none {} -> License;

        /// Answers what the process uses of memory, and for what, to the administrator.
        MemorySnapshot: read as admin of none {
            /// The key that the administrator of this service has set.
            admin_key as "adminKey": Option<Secret>,
        } -> Memory;
    }
}
