//! Calls that need no session.

use crate::reply::AccountAnswer;

calls! {
    /// Calls that need no session.
    ServiceCall tagged "Service" {
        /// Opens a demo account and answers its login and passwords.
        GetDemo {
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
    }
}
