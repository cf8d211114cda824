//! Logging in and out.

use crate::reply::{self, Text};
use crate::values::ProxyType;
use crate::{Many, Secret, Token, Upload};

params! {
    /// Who logs in, and how the session should behave: common to all connect calls.
    Login {
        /// Login number.
        user: u64,
        /// Password.
        password: Secret,
        /// The token that the session shall have; made up when absent.
        id: Option<String>,
        /// Tells machines apart: 16 bytes in hex, made up when absent.
        hardware_id as "hardwareId": Option<String>,
        /// What the authenticator shows, where the account wants that.
        otp: Option<Secret>,
        /// Loads all past orders once the login is done, while calls are answered already.
        download_order_history as "downloadOrderHistory": bool = false,
        /// Kept for old programs: changes of symbols are followed in any case, without a new login.
        reconnect_on_symbol_update as "reconnectOnSymbolUpdate": bool = false,
        /// The HTTP status that errors of the session have, from 200 to 599.
        error_reply_status_code as "errorReplyStatusCode": Option<u16>,
    }
}

params! {
    /// The proxy to log in through.
    Proxy {
        /// Proxy address.
        host as "proxyHost": String,
        /// Proxy port.
        port as "proxyPort": u16,
        /// Proxy protocol.
        kind as "proxyType": ProxyType = ProxyType::Socks5,
        /// Proxy login.
        user as "proxyUser": Option<String>,
        /// Proxy password.
        password as "proxyPassword": Option<Secret>,
    }
}

calls! {
    /// Logging in and out.
    ConnectionCall tagged "Connection" {
        /// Logs in at a given Web Terminal address and answers the session's token.
        Connect: connect as connect of none dials {
            /// Login and options.
            login: Login,
            /// Host name or address of a Web Terminal endpoint.
            host: String,
            /// Its TCP port.
            port: u16,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": Option<u32>,
        } -> Text;

        /// Logs in by the broker's server name and answers the session's token.
        ConnectEx: connect as connect of none dials {
            /// Login and options.
            login: Login,
            /// Broker server name as shown in the terminal; its addresses are looked up.
            server: String,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": u32 = 60,
            /// How long each address of the broker may take, in seconds.
            member_timeout_s as "connectTimeoutClusterMemberSeconds": u32 = 30,
            /// Prefers the address that answers fastest.
            nearest_by_ping as "connectToNearestByPing": bool = false,
        } -> Text;

        /// Logs in at a given address by way of a proxy and answers the session's token.
        ConnectProxy: connect as connect of none dials {
            /// Login and options.
            login: Login,
            /// The proxy.
            proxy: Proxy,
            /// Host name or address of a Web Terminal endpoint.
            host: String,
            /// Its TCP port.
            port: u16,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": Option<u32>,
        } -> Text;

        /// Logs in by the broker's server name by way of a proxy and answers the session's token.
        ConnectProxyEx: connect as connect of none dials {
            /// Login and options.
            login: Login,
            /// The proxy.
            proxy: Proxy,
            /// Broker server name as shown in the terminal; its addresses are looked up.
            server: String,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": u32 = 60,
            /// How long each address of the broker may take, in seconds.
            member_timeout_s as "connectTimeoutClusterMemberSeconds": u32 = 20,
        } -> Text;

        /// Logs in with a client certificate and answers the session's token.
        ConnectCert: connect as connect of none posted dials {
            /// Login and options.
            login: Login,
            /// Host name or address of a Web Terminal endpoint.
            host: String,
            /// Its TCP port.
            port: u16,
            /// PKCS#12 file with the certificate and its key, presented in the TLS handshake of the link.
            pfx_file as "pfxFile": Option<Upload>,
            /// Password of that file.
            pfx_file_password as "pfxFilePassword": Option<Secret>,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": Option<u32>,
        } -> Text;

        /// Brings back a session whose login data are kept, also after Disconnect, and answers its token.
        ConnectByToken: connect as connect of kept {
            /// Token of an earlier session.
            id: Token,
            /// How long the login may take, in seconds.
            connect_timeout_s as "connectTimeoutSeconds": u32 = 30,
            /// How long each address of the broker may take, in seconds.
            member_timeout_s as "connectTimeoutClusterMemberSeconds": u32 = 30,
            /// What the authenticator shows, where the account wants that.
            otp: Option<Secret>,
        } -> Text;

        // It changes nothing that would not come by itself: the session restores its link anyway, only later, and however often it
        // is asked. So it may be asked again of another worker.
        /// Answers OK for a live session; a lost link is restored first.
        CheckConnect: read as read of session {
            /// Token of the session, as Connect has answered it.
            id: Token,
        } -> Text;

        /// Tells the state of a session without touching it.
        ConnectionStatus: read as read of session {
            /// Token of the session, as Connect has answered it.
            id: Token,
        } -> reply::ConnectionStatus;

        /// Tells the state of every session: of a key's own, or of all to the administrator.
        ConnectionStatusAll: read as read of all {
            /// The key that the administrator of this service has set, for all sessions.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<reply::ConnectionStatus>;

        /// Drops every session that is not in a list and answers their tokens: of a key's own, or of all for the administrator.
        DisconnectOrphans also DisconnectOrphansCluster: change as connect of all posted {
            /// Tokens to keep; repeat the parameter for each one. A word that is no token drops all sessions.
            ids: Many<String>,
            /// Drops nothing, and answers what it would drop.
            dry_run as "dryRun": bool = false,
            /// The key that the administrator of this service has set, for all sessions.
            admin_key as "adminKey": Option<Secret>,
        } -> Vec<String>;

        /// Logs out and drops the session.
        Disconnect: change as connect of session {
            /// Token of the session, as Connect has answered it.
            id: Token,
        } -> Text;
    }
}
