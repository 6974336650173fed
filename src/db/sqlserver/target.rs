//! What a `sqlserver://` URL asks for.

use tiberius::{AuthMethod, Config, EncryptionLevel};
use url::{Url, form_urlencoded};

use super::super::Fault;

/// The options that may follow the `?`, for the message that refuses others.
const OPTIONS: &str =
    "encrypt, trust_server_certificate, ca_certificate, hostname_in_certificate, instance";

/// A server and how to log in to it.
pub(super) struct Target {
    /// Without brackets, also where it is an IPv6 address.
    pub(super) host: String,
    /// `None` only where an instance is named: SQL Server Browser then tells the port.
    pub(super) port: Option<u16>,
    /// Everything that the driver wants to know.
    pub(super) config: Config,
}

const DEFAULT_PORT: u16 = 1433;

/// Reads `sqlserver://user:password@host:port/database?option=value`.
/// User, password and database are percent-encoded. No message repeats any of them.
pub(super) fn parse(text: &str) -> Result<Target, Fault> {
    let url = Url::parse(text)
        .map_err(|error| Fault::rejected(format!("the URL is not understood: {error}")))?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = decoded(host.ok_or_else(|| Fault::rejected("the URL names no host"))?);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let mut config = Config::new();
    config.host(&host);
    config.application_name("outrigger");
    if url.username().is_empty() {
        return Err(Fault::rejected("the URL names no user; Windows logins are not supported"));
    }
    let password = decoded(url.password().unwrap_or_default());
    config.authentication(AuthMethod::sql_server(decoded(url.username()), password));
    let database = decoded(url.path().trim_matches('/'));
    if !database.is_empty() {
        config.database(database);
    }
    let has_instance = read_options(&url, &mut config)?;
    let port = url.port().or(if has_instance { None } else { Some(DEFAULT_PORT) });
    if let Some(port) = port {
        config.port(port);
    }
    Ok(Target { host, port, config })
}

/// Fills in the options; whether one of them names an instance.
fn read_options(url: &Url, config: &mut Config) -> Result<bool, Fault> {
    let mut has_instance = false;
    let mut is_trusting = false;
    let mut authority = None;
    for (key, value) in url.query_pairs() {
        let name = key.to_ascii_lowercase().replace(['_', '-'], "");
        match name.as_str() {
            "encrypt" => config.encryption(encryption(&value)?),
            "trustservercertificate" => is_trusting = flag(&key, &value)?,
            "cacertificate" => authority = Some(value.into_owned()),
            "hostnameincertificate" => config.hostname_in_certificate(value),
            "instance" | "instancename" => {
                has_instance = true;
                config.instance_name(value);
            }
            _ => {
                let message = format!("the URL's option `{key}` is not one of {OPTIONS}");
                return Err(Fault::rejected(message));
            }
        }
    }
    // The driver panics when it is given both.
    match (is_trusting, authority) {
        (true, Some(_)) => Err(Fault::rejected(
            "the URL's options `trust_server_certificate` and `ca_certificate` exclude each other",
        )),
        (true, None) => {
            config.trust_cert();
            Ok(has_instance)
        }
        (false, authority) => {
            if let Some(path) = authority {
                config.trust_cert_ca(path);
            }
            Ok(has_instance)
        }
    }
}

fn encryption(value: &str) -> Result<EncryptionLevel, Fault> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "mandatory" | "" => Ok(EncryptionLevel::Required),
        "strict" => Ok(EncryptionLevel::Strict),
        // The login is encrypted all the same.
        "false" | "no" | "optional" => Ok(EncryptionLevel::Off),
        "disable" | "danger_plaintext" => Ok(EncryptionLevel::NotSupported),
        _ => Err(Fault::rejected(
            "the URL's option `encrypt` is not one of true, strict, false, disable",
        )),
    }
}

fn flag(key: &str, value: &str) -> Result<bool, Fault> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Fault::rejected(format!("the URL's option `{key}` is not true or false"))),
    }
}

/// Undoes percent-encoding; unlike in a query, a plus is a plus.
fn decoded(text: &str) -> String {
    let text = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(url: &str) -> String {
        parse(url).err().expect("refused").message
    }

    #[test]
    fn the_port_is_the_servers_own_unless_an_instance_is_named() {
        let plain = parse("sqlserver://sa:x@hq/app").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("hq", Some(1433)));
        assert_eq!(parse("mssql://sa:x@[::1]:1500/app").unwrap().host, "::1");
        assert_eq!(parse("sqlserver://sa:x@hq:1500").unwrap().port, Some(1500));
        let named = parse("sqlserver://sa:x@hq/app?instance=SQLEXPRESS").unwrap();
        assert_eq!((named.port, named.config.get_addr().as_str()), (None, "hq:1434"));
    }

    #[test]
    fn passwords_are_decoded_and_a_plus_stays_a_plus() {
        assert_eq!(decoded("p%40ss+%2F%3D=%C3%A9&x"), "p@ss+/==é&x");
        assert_eq!(decoded(""), "");
    }

    #[test]
    fn what_is_not_understood_is_refused_without_the_password() {
        for (url, expected) in [
            ("sqlserver://sa:topsecret@hq/app?encrpyt=true", "option `encrpyt` is not one of"),
            ("sqlserver://sa:topsecret@hq/app?encrypt=maybe", "option `encrypt` is not one of"),
            ("sqlserver://hq/app", "names no user"),
            ("sqlserver:///app", "names no host"),
            (
                "sqlserver://sa:topsecret@hq/app?trust_server_certificate=1&ca_certificate=a.pem",
                "exclude each other",
            ),
            ("sqlserver://sa:topsecret@hq/app?trust-server-certificate=si", "not true or false"),
        ] {
            let message = message(url);
            assert!(message.contains(expected), "{url}: {message}");
            assert!(!message.contains("topsecret"), "{message}");
        }
    }
}
